using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Outbox;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Kafka;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>Starts the polling thread and the lanes, and stops them in order: partitions are given up, the group is left, what is held is stored.</summary>
internal sealed partial class IngestWorker(
    IServiceProvider services,
    IngestLoop loop,
    NpgsqlDataSource dataSource,
    DictionaryStore dictionaries,
    ReadingPartitions days,
    ConsumerIdentity identity,
    ConsumerStatus status,
    ConsumerMetrics metrics,
    OutboxSignal outbox,
    [FromKeyedServices(HeartbeatWorker.Loop)] LoopHeartbeat heartbeat,
    IOptions<ConsumersOptions> options,
    IOptions<DetectionOptions> detection,
    TimeProvider time,
    ILogger<IngestWorker> logger) : BackgroundService
{
    private static readonly TimeSpan BrokerTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RehearsalLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan DoubtDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CommitInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(0.5);

    private IConsumer<Ignore, Rejection> _consumer = null!;
    private IAdminClient _admin = null!;
    private KafkaLogId _logId = null!;
    private StoreLane[] _lanes = [];
    private volatile string? _claimedLog;
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var context = new LaneContext(
            dataSource,
            identity,
            dictionaries,
            days,
            new DetectionRules(detection.Value),
            options.Value,
            status,
            metrics,
            time,
            loop.Tell,
            outbox.Set,
            logger);
        _lanes = [.. Enumerable.Range(0, options.Value.Lanes).Select(number => new StoreLane(number, context))];
        // On a busy machine this takes longer than a loop may be silent.
        _consumer = await heartbeat.WaitAsync(Task.Run(services.GetRequiredService<IConsumer<Ignore, Rejection>>, CancellationToken.None));
        using var admin = _admin = new DependentAdminClientBuilder(_consumer.Handle).Build();
        await using var log = _logId = new KafkaLogId(_consumer.Handle);
        await heartbeat.WaitAsync(RehearseAsync(stoppingToken));
        Task[] lanes = [.. _lanes.Select(lane => Task.Run(() => lane.RunAsync(CancellationToken.None), CancellationToken.None))];
        using var finished = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        Task[] others = [CommitAsync(finished.Token), WatchLogAsync(finished.Token)];

        // The client's calls block; a thread of its own keeps them from the pool.
        var polling = Task.Factory.StartNew(
            () => loop.Run(_consumer, _lanes, partitions => Watch(ClaimAsync(partitions, finished.Token)), partitions => Watch(WakeAsync(partitions)), finished.Token),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        try
        {
            // What fails takes the consumer down with it: one that polls and does not store, or does not claim, would look alive.
            await await Task.WhenAny([polling, _failed.Task, .. others, .. lanes]);
        }
        finally
        {
            await finished.CancelAsync();
            await polling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var lane in _lanes)
            {
                lane.Complete();
            }

            await Task.WhenAll(lanes);
            foreach (var lane in _lanes)
            {
                await lane.DisposeAsync();
            }

            await Task.WhenAll(others).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Watch(Task task) => task.ContinueWith(
        failed => _failed.TrySetException(failed.Exception!.InnerExceptions), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    /// <summary>Before the group knows us: partitions that it hands over stand still until we have done all this.</summary>
    private async Task RehearseAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(RehearsalLimit);
        try
        {
            var log = await LogAsync(limit.Token);
            await Task.WhenAll(
                [ListOffsetsAsync([new TopicPartition(identity.SensorTopic, 0)], OffsetSpec.Latest()), .. _lanes.Select(lane => lane.RehearseAsync(log, limit.Token))]);
        }
        catch (Exception exception) when (exception is KafkaException || DatabaseFaults.Of(exception) is not null
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // What is wrong is said where it is needed.
        }
    }

    private async Task<LogTopic> LogAsync(CancellationToken cancellationToken)
    {
        var logId = await _logId.ResolveAsync(identity.SensorTopic, cancellationToken);
        return new LogTopic(await dictionaries.LogKeyAsync(logId, cancellationToken), logId, identity.SensorTopic);
    }

    /// <summary>Asks the brokers which log this is and where it begins and ends, and has the lanes claim; again and again until it is done or pointless.</summary>
    private async Task ClaimAsync(IReadOnlyList<OwnedPartition> partitions, CancellationToken cancellationToken)
    {
        var said = false;
        if (partitions.Any(partition => partition.Doubts > 0))
        {
            await Task.Delay(DoubtDelay, time, cancellationToken);
        }

        while (!cancellationToken.IsCancellationRequested && partitions.Any(partition => !partition.IsAbandoned))
        {
            try
            {
                var lows = OffsetsAsync(partitions, OffsetSpec.Earliest());
                var highs = OffsetsAsync(partitions, OffsetSpec.Latest());
                var log = await LogAsync(cancellationToken);
                var (low, high) = (await lows, await highs);
                _claimedLog = log.LogId;
                foreach (var lane in partitions.GroupBy(partition => partition.Lane))
                {
                    lane.Key.Post(new LaneWork.Claim(log, [.. lane.Select(partition => (partition, Of(low, partition), Of(high, partition)))]));
                }

                return;
            }
            catch (Exception exception) when (exception is KafkaException || DatabaseFaults.Of(exception) is not null)
            {
                if (!said)
                {
                    said = true;
                    Log.ClaimFailed(logger, exception.Message);
                }

                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }

        static long? Of(Dictionary<int, long> offsets, OwnedPartition partition) => offsets.TryGetValue(partition.Number, out var offset) ? offset : null;
    }

    /// <summary>Looks whether the topic is still the log that was claimed. One that was deleted and made anew begins at 0 again, and what is read next may be either's.</summary>
    private async Task WatchLogAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            var claimed = _claimedLog;
            try
            {
                if (await _logId.ResolveAsync(identity.SensorTopic, cancellationToken) is var found && claimed is not null && found != claimed && claimed == _claimedLog)
                {
                    Log.AnotherLog(logger, identity.SensorTopic, found, claimed);
                    _claimedLog = null;
                    foreach (var partition in loop.Assigned)
                    {
                        loop.Tell(new LaneNews.ClaimAgain(partition, Doubtful: false));
                    }
                }
            }
            catch (Exception exception) when (exception is KafkaException or TimeoutException)
            {
                // Nobody knows now.
            }
        }
    }

    /// <summary>
    /// Asks the leaders for anything: the client's thread for a broker of which it was fetching nothing looks only once a second whether it is
    /// to begin, unless a request wakes it.
    /// </summary>
    private async Task WakeAsync(IReadOnlyList<TopicPartition> partitions)
    {
        try
        {
            await ListOffsetsAsync(partitions, OffsetSpec.Latest());
        }
        catch (Exception exception) when (exception is KafkaException or ObjectDisposedException)
        {
            // It looks by itself, within the second.
        }
    }

    /// <returns>By number of the partition; without those whose leader does not answer.</returns>
    private async Task<Dictionary<int, long>> OffsetsAsync(IReadOnlyList<OwnedPartition> partitions, OffsetSpec place)
    {
        List<ListOffsetsResultInfo> found;
        try
        {
            found = (await ListOffsetsAsync(partitions.Select(partition => new TopicPartition(identity.SensorTopic, partition.Number)), place)).ResultInfos;
        }
        catch (ListOffsetsException exception)
        {
            found = exception.Result.ResultInfos;
        }
        catch (KafkaException exception)
        {
            Log.NoOffsets(logger, exception.Error.Reason);
            found = [];
        }

        foreach (var failed in found.Select(info => info.TopicPartitionOffsetError).Where(failed => failed.Error.IsError))
        {
            Log.NoOffset(logger, failed.Partition.Value, failed.Error.Reason);
        }

        return found.Select(info => info.TopicPartitionOffsetError).Where(each => !each.Error.IsError).ToDictionary(each => each.Partition.Value, each => each.Offset.Value);
    }

    private Task<ListOffsetsResult> ListOffsetsAsync(IEnumerable<TopicPartition> partitions, OffsetSpec place) =>
        _admin.ListOffsetsAsync(
            partitions.Select(partition => new TopicPartitionOffsetSpec { TopicPartition = partition, OffsetSpec = place }),
            new ListOffsetsOptions { RequestTimeout = BrokerTimeout });

    /// <summary>Tells Kafka of the offsets that are in the database, for tools that read lag there.</summary>
    private async Task CommitAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(CommitInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            var moved = loop.Assigned.Where(partition => partition.Committed > partition.CommittedToKafka).Select(partition => (Partition: partition, Offset: partition.Committed)).ToList();
            if (moved.Count == 0)
            {
                continue;
            }

            var started = Stopwatch.GetTimestamp();
            try
            {
                // Without a leader epoch, which not every broker understands.
                await Task.Run(
                    () => _consumer.Commit(moved.Select(one => new TopicPartitionOffset(identity.SensorTopic, one.Partition.Number, one.Offset))), cancellationToken);
                foreach (var (partition, offset) in moved)
                {
                    partition.CommittedToKafka = offset;
                }
            }
            catch (KafkaException exception)
            {
                // The database is what counts; the next second commits more.
                Log.NotCommitted(logger, exception.Error.Reason);
            }

            metrics.CommittedToKafka(Stopwatch.GetElapsedTime(started));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Partitions cannot be claimed yet; it is tried again: {Reason}")]
        public static partial void ClaimFailed(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The topic {Topic} is another log now, {Found} and not {Claimed}; all partitions are claimed again")]
        public static partial void AnotherLog(ILogger logger, string topic, string found, string claimed);

        [LoggerMessage(Level = LogLevel.Information, Message = "No broker says where the log begins and ends: {Reason}")]
        public static partial void NoOffsets(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Partition}: no broker says where the log begins and ends: {Reason}")]
        public static partial void NoOffset(ILogger logger, int partition, string reason);

        [LoggerMessage(Level = LogLevel.Debug, Message = "Offsets not committed to Kafka: {Reason}")]
        public static partial void NotCommitted(ILogger logger, string reason);
    }
}
