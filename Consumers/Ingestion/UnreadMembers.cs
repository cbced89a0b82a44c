using System.Collections.Concurrent;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// The numbers in each sensor's messages that are not read. Recorded by the thread that parses, and written to the database by another thread.
/// </summary>
internal sealed class UnreadMembers(TimeProvider time)
{
    /// <summary>The maximum number of sensors; further sensors are not recorded.</summary>
    private const int MaxSensors = 10_000;

    /// <summary>Unchanged names are written again after this time: older ones no longer apply.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, (string Names, long At)> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _changed = new(StringComparer.Ordinal);

    /// <param name="names">As the settings name members, separated by commas.</param>
    public void Note(string sensorId, string names)
    {
        if (_known.TryGetValue(sensorId, out var known) ? known.Names != names || time.GetElapsedTime(known.At) > Again : _known.Count < MaxSensors)
        {
            _known[sensorId] = (names, time.GetTimestamp());
            _changed[sensorId] = names;
        }
    }

    /// <summary>Returns what was recorded since the last call.</summary>
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

    /// <summary>Returns names that could not be written, so that they are taken again.</summary>
    public void Return(IReadOnlyDictionary<string, string> changed)
    {
        foreach (var (sensorId, names) in changed)
        {
            _changed.TryAdd(sensorId, names);
        }
    }
}
