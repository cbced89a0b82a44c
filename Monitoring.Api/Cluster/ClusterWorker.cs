using System.Net.Sockets;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.ServiceDefaults.Kafka;
using FactoryMonitoring.ServiceDefaults.Telemetry;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>
/// Measures the cluster once a second, independently of the database: which brokers are up, the leaders, and the end offset of each log. Sends no
/// requests about groups (an embedded broker would not survive them), and none whose answer grows with history.
/// </summary>
internal sealed partial class ClusterWorker(
    IConfiguration configuration,
    KafkaCredentials credentials,
    AccessReport access,
    KafkaNames kafka,
    ClusterState state,
    RequestTimes requests,
    RefreshSignal refresh,
    TimeProvider time,
    ILogger<ClusterWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MetadataTimeout = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan OffsetsTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1);

    // Without a quorum, brokers take longer to answer than a measurement is valid: which brokers are down must be known nevertheless.
    private static readonly TimeSpan LogIdTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LogIdFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan QuorumFor = TimeSpan.FromSeconds(5);

    private readonly string _bootstrap = configuration.GetConnectionString(ResourceNames.Kafka)!;
    private readonly bool _isSecured = KafkaClientExtensions.SecurityOf(configuration).Security.IsSecured;
    private readonly BrokerDirectory _directory = new(configuration.GetConnectionString(ResourceNames.Kafka)!);
    private readonly OutageReport _outage = new(time);
    private string? _logId;
    private long _logIdAt;
    private QuorumBody? _quorum;
    private long? _quorumAt;

    private enum Connect
    {
        Open,
        Refused,
        Silent,
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var admin = credentials.Keep(new AdminClientBuilder(new AdminClientConfig
        {
            ClientId = "monitoring-api",
            AllowAutoCreateTopics = false,
            SocketTimeoutMs = 3000,
            StatisticsIntervalMs = 5000,
            ReconnectBackoffMaxMs = 500,
        }.UseFactoryKafka(configuration))
            .SetLogHandler((_, message) => Log.Client(logger, message.Message))
            .SetStatisticsHandler((_, statistics) => requests.Update(statistics))
            .SetErrorHandler((_, error) =>
            {
                access.Report(error);
                Log.Client(logger, error.Reason);
            })
            .Build());
        await using var logId = new KafkaLogId(admin.Handle);
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                state.Latest = await MeasureAsync(admin, logId, stoppingToken);
                refresh.Request();
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task<ClusterMeasurement> MeasureAsync(IAdminClient admin, KafkaLogId logId, CancellationToken cancellationToken)
    {
        var brokers = _directory.All();
        // Secured brokers count a connection that is closed before authentication as a failed sign-in: they are only connected to if they send no metadata.
        var connects = _isSecured ? null : ConnectAsync(brokers, cancellationToken);
        var metadata = await MetadataAsync(admin, cancellationToken);
        foreach (var broker in metadata?.Brokers ?? [])
        {
            _directory.Learn(broker.BrokerId, broker.Host, broker.Port);
        }

        var connected = await (connects ?? (metadata is null ? ConnectAsync(brokers, cancellationToken) : Task.FromResult(brokers.Select(_ => Connect.Open).ToArray())));
        var before = state.Latest?.Brokers.ToDictionary(broker => broker.Id) ?? [];
        var now = time.GetTimestamp();
        var measured = brokers.Zip(connected, (broker, connect) =>
        {
            var up = metadata is null ? connect == Connect.Open : connect != Connect.Refused && metadata.Brokers.Exists(each => each.BrokerId == broker.Id);
            return before.TryGetValue(broker.Id, out var known) && known.Up == up
                ? known with { Host = broker.Host, Port = broker.Port }
                : new BrokerMeasurement(broker.Id, broker.Host, broker.Port, up, known is null ? null : now);
        }).ToList();

        var partitions = metadata?.Topics.Find(each => each.Topic == kafka.SensorTopic)?.Partitions ?? [];
        var asked = time.GetTimestamp();
        var offsets = await Task.WhenAll(
            OffsetsAsync(admin, partitions, OffsetSpec.Earliest(), IsolationLevel.ReadUncommitted, cancellationToken),
            OffsetsAsync(admin, partitions, OffsetSpec.Latest(), IsolationLevel.ReadCommitted, cancellationToken),
            OffsetsAsync(admin, partitions, OffsetSpec.Latest(), IsolationLevel.ReadUncommitted, cancellationToken));
        var (firsts, ends, highs) = (offsets[0], offsets[1], offsets[2]);
        await ResolveLogIdAsync(logId, metadata, ends, cancellationToken);
        var unasked = Unasked(metadata);
        await FindQuorumAsync(unasked, measured, cancellationToken);
        return new(
            asked,
            _logId,
            measured,
            partitions.OrderBy(partition => partition.PartitionId).ToDictionary(
                partition => partition.PartitionId,
                partition => Held(partition.PartitionId, asked, Known(highs, partition.PartitionId), new PartitionMeasurement(
                    partition.Leader < 0 ? null : partition.Leader,
                    partition.Replicas,
                    partition.InSyncReplicas,
                    Known(firsts, partition.PartitionId),
                    Known(ends, partition.PartitionId)))),
            _quorum,
            metadata is { Brokers.Count: > 0 } && partitions.Count == 0,
            unasked)
        {
            SensorTopic = kafka.SensorTopic,
            Topics = [.. (metadata?.Topics ?? []).Where(topic => !IsLogId(topic)).OrderBy(topic => topic.Topic, StringComparer.Ordinal).Select(Topic)],
        };

        static long? Known(Dictionary<int, long> offsets, int partition) => offsets.TryGetValue(partition, out var offset) ? offset : null;
    }

    /// <summary>
    /// Adds the messages that an open transaction holds back. The two offsets are requested concurrently, but are not of the same moment: a difference means
    /// nothing unless it lasts.
    /// </summary>
    private PartitionMeasurement Held(int number, long now, long? high, PartitionMeasurement partition)
    {
        if (!(high > partition.EndOffset))
        {
            return partition;
        }

        var heldFor = state.Latest is { } latest && latest.Partitions.TryGetValue(number, out var before) && before.HeldBack > 0 && before.EndOffset == partition.EndOffset
            ? before.HeldFor + time.GetElapsedTime(latest.Timestamp, now)
            : TimeSpan.Zero;
        return partition with { HeldBack = (high - partition.EndOffset)!.Value, HeldFor = heldFor };
    }

    private async Task<Metadata?> MetadataAsync(IAdminClient admin, CancellationToken cancellationToken)
    {
        try
        {
            // The client has only a blocking call for metadata.
            var metadata = await Task.Run(() => admin.GetMetadata(MetadataTimeout), cancellationToken);
            Log.Back(logger, _outage.Answered());
            return metadata;
        }
        catch (KafkaException exception)
        {
            Log.Away(logger, _outage.Failed(), exception.Error.Reason);
            // For the same reason as in BrokerReturnWorker.
            admin.AddBrokers(_bootstrap);
            return null;
        }
    }

    private async Task<Dictionary<int, long>> OffsetsAsync(
        IAdminClient admin, List<PartitionMetadata> partitions, OffsetSpec which, IsolationLevel isolation, CancellationToken cancellationToken)
    {
        var led = partitions.Where(partition => partition.Leader >= 0)
            .Select(partition => new TopicPartitionOffsetSpec { TopicPartition = new(kafka.SensorTopic, partition.PartitionId), OffsetSpec = which })
            .ToList();
        if (led.Count == 0)
        {
            return [];
        }

        try
        {
            var result = await admin.ListOffsetsAsync(led, new ListOffsetsOptions { RequestTimeout = OffsetsTimeout, IsolationLevel = isolation }).WaitAsync(cancellationToken);
            return Found(result.ResultInfos);
        }
        catch (ListOffsetsException exception)
        {
            return Found(exception.Result.ResultInfos);
        }
        catch (KafkaException)
        {
            // A leader has just failed: nothing is known of its partitions until they have a new leader.
            return [];
        }

        static Dictionary<int, long> Found(List<ListOffsetsResultInfo> infos) => infos
            .Select(info => info.TopicPartitionOffsetError)
            .Where(offset => !offset.Error.IsError && offset.Offset >= 0)
            .ToDictionary(offset => offset.Partition.Value, offset => offset.Offset.Value);
    }

    private async Task ResolveLogIdAsync(KafkaLogId logId, Metadata? metadata, Dictionary<int, long> ends, CancellationToken cancellationToken)
    {
        // An end offset that moved back belongs to another log.
        var another = state.Latest is { } latest
            && ends.Any(end => latest.Partitions.TryGetValue(end.Key, out var before) && before.EndOffset > end.Value);
        if (metadata is null || ends.Count == 0 || (!another && _logId is not null && time.GetElapsedTime(_logIdAt) < LogIdFor))
        {
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LogIdTimeout);
        try
        {
            _logId = await logId.ResolveAsync(kafka.SensorTopic, limit.Token);
            _logIdAt = time.GetTimestamp();
        }
        catch (Exception exception) when (exception is KafkaException or TimeoutException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            _logId = another ? null : _logId;
        }
    }

    private async Task FindQuorumAsync(string? unasked, IReadOnlyList<BrokerMeasurement> brokers, CancellationToken cancellationToken)
    {
        var isOver = _quorum is { Leader: var controller } && brokers.FirstOrDefault(broker => broker.Id == controller) is not { Up: true };
        if (!isOver && _quorumAt is { } asked && time.GetElapsedTime(asked) < QuorumFor)
        {
            return;
        }

        _quorum = unasked is null ? await QuorumQuery.AskAsync(brokers, cancellationToken) : null;
        _quorumAt = time.GetTimestamp();
    }

    /// <summary>Why the brokers cannot be queried outside the client; null if they can.</summary>
    private string? Unasked(Metadata? metadata) =>
        _isSecured ? "Not available for secured brokers: the client library does not support these requests."
        : metadata is null ? "No broker answers."
        : metadata.Topics.Exists(IsLogId) ? "Embedded brokers have no quorum and no logs on disk."
        : null;

    /// <summary>The topic by which an embedded cluster names its log.</summary>
    private static bool IsLogId(TopicMetadata topic) => topic.Topic.StartsWith(ResourceNames.LogIdTopicPrefix, StringComparison.Ordinal);

    private static TopicBody Topic(TopicMetadata topic) => new(
        topic.Topic,
        topic.Partitions.Count,
        topic.Partitions.Count == 0 ? 0 : topic.Partitions.Max(partition => partition.Replicas.Length),
        topic.Partitions.Count(partition => partition.InSyncReplicas.Length < partition.Replicas.Length),
        topic.Partitions.Count(partition => partition.Leader < 0),
        LogBytes: null);

    private static Task<Connect[]> ConnectAsync(IEnumerable<(int Id, string Host, int Port)> brokers, CancellationToken cancellationToken) =>
        Task.WhenAll(brokers.Select(broker => ConnectAsync(broker.Host, broker.Port, cancellationToken)));

    private static async Task<Connect> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectTimeout);
        using var socket = new TcpClient();
        try
        {
            await socket.ConnectAsync(host, port, limit.Token);
            return Connect.Open;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode == SocketError.ConnectionRefused ? Connect.Refused : Connect.Silent;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Connect.Silent;
        }
    }

    private static partial class Log
    {
        [LoggerMessage("No broker answers: {Reason}")]
        public static partial void Away(ILogger logger, LogLevel level, string reason);

        [LoggerMessage("The brokers answer again")]
        public static partial void Back(ILogger logger, LogLevel level);

        [LoggerMessage(LogLevel.Debug, "{Message}")]
        public static partial void Client(ILogger logger, string message);
    }
}
