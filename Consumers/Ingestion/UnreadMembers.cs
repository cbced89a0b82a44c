using System.Collections.Concurrent;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>By sensor, the numbers that its messages hold beside what is read. Noted by the thread that parses, and written to the database by another one.</summary>
internal sealed class UnreadMembers(TimeProvider time)
{
    /// <summary>Sensors that are remembered; those beyond are not noted.</summary>
    private const int MaxSensors = 10_000;

    /// <summary>What stays as it is, is written again after this: what is older no longer holds.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, (string Names, long At)> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _changed = new(StringComparer.Ordinal);

    /// <param name="names">As the settings name members, with commas between.</param>
    public void Note(string sensorId, string names)
    {
        if (_known.TryGetValue(sensorId, out var known) ? known.Names != names || time.GetElapsedTime(known.At) > Again : _known.Count < MaxSensors)
        {
            _known[sensorId] = (names, time.GetTimestamp());
            _changed[sensorId] = names;
        }
    }

    /// <summary>What was noted since the last call.</summary>
    public IReadOnlyDictionary<string, string> TakeChanged()
    {
        if (_changed.IsEmpty)
        {
            return new Dictionary<string, string>();
        }

        var taken = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var sensorId in _changed.Keys)
        {
            if (_changed.TryRemove(sensorId, out var names))
            {
                taken[sensorId] = names;
            }
        }

        return taken;
    }

    /// <summary>They could not be written: they are taken again.</summary>
    public void Return(IReadOnlyDictionary<string, string> changed)
    {
        foreach (var (sensorId, names) in changed)
        {
            _changed.TryAdd(sensorId, names);
        }
    }
}
