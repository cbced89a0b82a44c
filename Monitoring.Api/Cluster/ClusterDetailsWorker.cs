using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>Measurements of brokers and topics that are not part of the snapshots.</summary>
/// <param name="Timestamp">The time of the measurement, by <see cref="TimeProvider.GetTimestamp"/>.</param>
internal sealed record ClusterDetails(long Timestamp, IReadOnlyList<BrokerFigures> Brokers, IReadOnlyList<TopicBody> Topics);

/// <summary>Measures the sizes of the brokers' logs and their growth every 5 s.</summary>
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
        return new(asked, brokers, WithSizes(cluster.Topics, answers));
    }

    /// <summary>Returns the topics with the size of their logs on all brokers; unknown while a broker has not answered, because the sum of the others would be too small.</summary>
    internal static IReadOnlyList<TopicBody> WithSizes(IReadOnlyList<TopicBody> topics, IReadOnlyList<LogDirectories?> answers)
    {
        if (answers.Contains(null)) return topics;
        var sizes = answers.SelectMany(answer => answer!.Logs).GroupBy(log => log.Key.Topic, log => log.Value, StringComparer.Ordinal).ToDictionary(topic => topic.Key, topic => topic.Sum(), StringComparer.Ordinal);
        return [.. topics.Select(topic => topic with { LogBytes = sizes.TryGetValue(topic.Name, out var bytes) ? bytes : null })];
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

    /// <summary>Returns the growth of all logs, in bytes per second; null if retention has shortened a log, because the bytes written to it are then unknown.</summary>
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
