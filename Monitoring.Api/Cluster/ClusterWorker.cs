using System.Net.Sockets;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.ServiceDefaults.Kafka;
using FactoryMonitoring.ServiceDefaults.Telemetry;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>
/// Measures the cluster once a second, apart from the database: who is up, who leads, where each log ends. Asks nothing about groups (an
/// embedded broker would not survive it), and nothing that grows with history.
/// </summary>
internal sealed partial class ClusterWorker(
    IConfiguration configuration,
    KafkaCredentials credentials,
    AccessReport access,
    KafkaNames kafka,
    ClusterState state,
    RefreshSignal refresh,
    TimeProvider time,
    ILogger<ClusterWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MetadataTimeout = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan OffsetsTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1);

    // Brokers without a quorum leave the question open for longer than a measurement counts: who is down must be known nevertheless.
    private static readonly TimeSpan LogIdTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LogIdFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ControllerFor = TimeSpan.FromSeconds(5);

    private readonly string _bootstrap = configuration.GetConnectionString(ResourceNames.Kafka)!;
    private readonly bool _isSecured = KafkaClientExtensions.SecurityOf(configuration).Security.IsSecured;
    private readonly BrokerDirectory _directory = new(configuration.GetConnectionString(ResourceNames.Kafka)!);
    private readonly OutageReport _outage = new(time);
    private string? _logId;
    private long _logIdAt;
    private int? _controller;
    private long? _controllerAt;

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
            ReconnectBackoffMaxMs = 500,
        }.UseFactoryKafka(configuration))
            .SetLogHandler((_, message) => Log.Client(logger, message.Message))
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
            // Told to stop.
        }
    }

    private async Task<ClusterMeasurement> MeasureAsync(IAdminClient admin, KafkaLogId logId, CancellationToken cancellationToken)
    {
        var brokers = _directory.All();
        // A connection that is closed again before anybody has signed in is a failed sign-in to secured brokers: only where they say nothing themselves.
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
        await FindControllerAsync(metadata, measured, cancellationToken);
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
            _controller,
            metadata is { Brokers.Count: > 0 } && partitions.Count == 0);

        static long? Known(Dictionary<int, long> offsets, int partition) => offsets.TryGetValue(partition, out var offset) ? offset : null;
    }

    /// <summary>Adds what an open transaction holds back. The two offsets are asked for at once and not at one moment: that they differ says nothing, that it lasts does.</summary>
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
            // Metadata is only to be had from a call that blocks.
            var metadata = await Task.Run(() => admin.GetMetadata(MetadataTimeout), cancellationToken);
            Log.Back(logger, _outage.Answered());
            return metadata;
        }
        catch (KafkaException exception)
        {
            Log.Away(logger, _outage.Failed(), exception.Error.Reason);
            // As BrokerReturnWorker does, and for its reason.
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
            // A leader that has just died: nothing is known of its partitions until they have another.
            return [];
        }

        static Dictionary<int, long> Found(List<ListOffsetsResultInfo> infos) => infos
            .Select(info => info.TopicPartitionOffsetError)
            .Where(offset => !offset.Error.IsError && offset.Offset >= 0)
            .ToDictionary(offset => offset.Partition.Value, offset => offset.Offset.Value);
    }

    private async Task ResolveLogIdAsync(KafkaLogId logId, Metadata? metadata, Dictionary<int, long> ends, CancellationToken cancellationToken)
    {
        // An end that moved back is that of another log.
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

    private async Task FindControllerAsync(Metadata? metadata, IReadOnlyList<BrokerMeasurement> brokers, CancellationToken cancellationToken)
    {
        var isOver = _controller is { } controller && brokers.FirstOrDefault(broker => broker.Id == controller) is not { Up: true };
        if (!isOver && _controllerAt is { } asked && time.GetElapsedTime(asked) < ControllerFor)
        {
            return;
        }

        // The embedded broker has no quorum of controllers to ask about; secured brokers are not asked, for the question goes around the client.
        var cannotSay = _isSecured || (metadata?.Topics.Exists(each => each.Topic.StartsWith(ResourceNames.LogIdTopicPrefix, StringComparison.Ordinal)) ?? true);
        _controller = cannotSay ? null : await ControllerQuery.AskAsync(brokers, cancellationToken);
        _controllerAt = time.GetTimestamp();
    }

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
