using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>What is measured of brokers and topics beside what the snapshots need.</summary>
/// <param name="Timestamp">By <see cref="TimeProvider.GetTimestamp"/>.</param>
internal sealed record ClusterDetails(long Timestamp, IReadOnlyList<BrokerFigures> Brokers, IReadOnlyList<TopicBody> Topics);

/// <summary>Measures every 5 s what the brokers keep on their disks, and how fast that grows.</summary>
internal sealed class ClusterDetailsWorker(ClusterState state, RequestTimes requests, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Dictionary<int, (long Timestamp, LogDirectories Directories)> _before = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                if (state.Latest is { } cluster) state.Details = await MeasureAsync(cluster, stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops.
        }
    }

    private async Task<ClusterDetails> MeasureAsync(ClusterMeasurement cluster, CancellationToken cancellationToken)
    {
        var asked = time.GetTimestamp();
        var answers = await Task.WhenAll(cluster.Brokers.Select(broker => cluster.Unasked is null ? LogDirectoriesQuery.AskAsync(broker, cancellationToken) : Task.FromResult<LogDirectories?>(null)));
        var brokers = cluster.Brokers.Zip(answers, (broker, directories) => Figures(broker, directories, asked)).ToList();
        var topics = cluster.Topics.Select(topic => topic with
        {
            LogBytes = answers.All(answer => answer is null) ? null : answers.Sum(answer => answer?.Logs.Where(log => log.Key.Topic == topic.Name).Sum(log => log.Value) ?? 0),
        }).ToList();
        return new(asked, brokers, topics);
    }

    private BrokerFigures Figures(BrokerMeasurement broker, LogDirectories? directories, long asked)
    {
        double? written = null;
        if (directories is null)
        {
            _before.Remove(broker.Id);
        }
        else
        {
            if (_before.TryGetValue(broker.Id, out var before)) written = WrittenPerSecond(before.Directories, directories, time.GetElapsedTime(before.Timestamp, asked));
            _before[broker.Id] = (asked, directories);
        }
        var times = broker.Up ? requests.Of(broker.Id) : null;
        return new(
            broker.Id, broker.Name, times?.P50Ms, times?.P99Ms, directories?.Logs.Values.Sum(), written is { } rate ? Math.Round(rate) : null,
            directories?.DiskBytes, directories?.FreeBytes);
    }

    /// <summary>By how much logs have grown. A log that is smaller than before was shortened by its retention: what was written to it meanwhile is not known.</summary>
    internal static double? WrittenPerSecond(LogDirectories before, LogDirectories now, TimeSpan between)
    {
        long written = 0;
        foreach (var (log, bytes) in now.Logs)
        {
            if (!before.Logs.TryGetValue(log, out var earlier)) continue;
            if (bytes < earlier) return null;
            written += bytes - earlier;
        }
        return written / between.TotalSeconds;
    }
}
