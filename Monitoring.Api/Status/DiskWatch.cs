using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Monitoring.Api.Status;

/// <summary>
/// Measures the free disk space of the servers on this machine: the setting <c>Disks:NAME</c> is the directory of NAME, for example kafka1 or
/// postgres. Nothing is known of a server on another machine or in a container.
/// </summary>
internal sealed class DiskWatch(IConfiguration configuration, TimeProvider time)
{
    public const string Section = "Disks";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly List<(string Name, string Directory)> _directories =
        [.. configuration.GetSection(Section).GetChildren().Where(each => each.Value is { Length: > 0 }).Select(each => (each.Key, each.Value!))];

    private readonly Lock _gate = new();
    private IReadOnlyDictionary<string, long> _free = new Dictionary<string, long>();
    private long? _lookedAt;

    /// <returns>The free bytes by server name, at most one second old.</returns>
    public IReadOnlyDictionary<string, long> Snapshot()
    {
        lock (_gate)
        {
            if (_lookedAt is not { } at || time.GetElapsedTime(at) >= Interval)
            {
                _lookedAt = time.GetTimestamp();
                _free = _directories.Select(each => (each.Name, Free: DiskSpace.Free(each.Directory)))
                    .Where(each => each.Free is not null).ToDictionary(each => each.Name, each => each.Free!.Value, StringComparer.OrdinalIgnoreCase);
            }

            return _free;
        }
    }
}
