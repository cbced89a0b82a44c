using Confluent.Kafka;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Ingestion.Polling;
using FactoryMonitoring.Consumers.Ingestion.Storing;
using FactoryMonitoring.Consumers.Outbox;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Kafka;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>Starts the polling thread and the lanes, and stops them in order: releases partitions, leaves the group, stores what remains.</summary>
internal sealed class IngestWorker(
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
    DetectionRules rules,
    TimeProvider time,
    ILogger<IngestWorker> logger) : BackgroundService
{
    private static readonly TimeSpan WarmUpLimit = TimeSpan.FromSeconds(10);

    /// <summary>How long the loop's heartbeat must be missing, beyond its own limit, until the client is replaced.</summary>
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan LateLimit = TimeSpan.FromMilliseconds(200);

    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        try
        {
            var running = RunAsync(ending.Token);
            var hanging = HungClient.UntilSilentAsync(() => heartbeat.IsSilent, HangLimit, time, ending.Token);
            if (await Task.WhenAny(running, hanging) == hanging && hanging.IsCompletedSuccessfully)
            {
                // The thread, its client and its partitions are given up as they are; other consumers have taken the partitions, or will.
                throw new HungClientException($"the polling thread has not returned from a call of its Kafka client for more than {HangLimit.TotalSeconds:0} s");
            }

            await running;
        }
        finally
        {
            await ending.CancelAsync();
            outbox.End(isStored: false);
        }
    }

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var lanes = MakeLanes();
        // On a busy machine this takes longer than the loop's heartbeat timeout.
        var consumer = await heartbeat.WaitAsync(Task.Run(services.GetRequiredService<IConsumer<Ignore, Rejection>>, CancellationToken.None));
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        await using var logId = new KafkaLogId(consumer.Handle);
        var brokers = new BrokerQuestions(admin, identity.SensorTopic, logger);
        var claims = new PartitionClaims(brokers, logId, dictionaries, loop, identity.SensorTopic, time, logger);
        var committer = new OffsetCommitter(consumer, loop, identity.SensorTopic, metrics, time, logger);
        await heartbeat.WaitAsync(WarmUpAsync(brokers, claims, lanes, stoppingToken));
        Task[] storing = [.. lanes.Select(lane => Task.Run(() => lane.RunAsync(CancellationToken.None), CancellationToken.None))];
        using var finished = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        Task[] others = [committer.RunAsync(finished.Token), claims.WatchLogAsync(finished.Token)];

        // The client's calls block; a dedicated thread keeps them off the pool.
        var polling = Task.Factory.StartNew(
            () => loop.Run(
                consumer,
                [.. lanes.Select(lane => lane.Queue)],
                partitions => Watch(claims.ClaimAsync(partitions, finished.Token)),
                partitions => Watch(brokers.WakeAsync(partitions)),
                finished.Token),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        try
        {
            // Any failure stops the consumer: one that polls but does not store, or does not claim, would look healthy.
            await await Task.WhenAny([polling, _failed.Task, .. others, .. storing]);
        }
        finally
        {
            await finished.CancelAsync();
            await polling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var lane in lanes)
            {
                lane.Queue.Complete();
            }

            // Every partition is released or abandoned: nobody needs what a lane still waits for, and it ends with the process.
            if (await EndAsync(storing))
            {
                outbox.End(isStored: true);
                foreach (var lane in lanes)
                {
                    await lane.DisposeAsync();
                }
            }

            await Task.WhenAll(others).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>False if the database has not answered a lane within the limit.</returns>
    private static async Task<bool> EndAsync(Task[] storing)
    {
        try
        {
            await Task.WhenAll(storing).WaitAsync(LateLimit);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private StoreLane[] MakeLanes()
    {
        var context = new LaneContext(
            dataSource,
            identity,
            dictionaries,
            days,
            rules,
            options.Value,
            status,
            metrics,
            time,
            loop.Post,
            outbox.Set,
            logger);
        return [.. Enumerable.Range(0, options.Value.Lanes).Select(number => new StoreLane(new LaneQueue(number, options.Value.MaxBatchSize, time), context))];
    }

    private void Watch(Task task) => task.ContinueWith(
        failed => _failed.TrySetException(failed.Exception!.InnerExceptions), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    /// <summary>Runs before this consumer joins the group: partitions that the group hands over stall until all of this is done.</summary>
    private static async Task WarmUpAsync(BrokerQuestions brokers, PartitionClaims claims, StoreLane[] lanes, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(WarmUpLimit);
        try
        {
            var log = await claims.LogAsync(limit.Token);
            await Task.WhenAll([brokers.WarmUpAsync(), .. lanes.Select(lane => lane.WarmUpAsync(log, limit.Token))]);
        }
        catch (Exception exception) when (exception is KafkaException || DatabaseFaults.Of(exception) is not null
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The failure is reported where the result is needed.
        }
    }
}
