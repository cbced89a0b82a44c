using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Consumers.Ingestion.Storing;
using FactoryMonitoring.Data.Ingestion;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>A message of a log that exists only in the test.</summary>
/// <param name="ProducedAt">Timestamp of the record in ms since 1970.</param>
internal sealed record LogMessage(int Partition, long Offset, byte[] Value, long ProducedAt = 0);

/// <summary>A consumer without a broker: one lane, which gets messages as from the polling thread.</summary>
internal sealed class LaneHarness : IAsyncDisposable
{
    public const string LogId = "cluster:topic";

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ConcurrentQueue<LaneEvent> _events = new();
    private readonly SemaphoreSlim _told = new(0);
    private readonly StoreLane _lane;
    private readonly Task _running;
    private readonly ConsumerMetrics _metrics;
    private readonly ReadingParser _parser;
    private readonly Dictionary<int, OwnedPartition> _partitions = [];

    private readonly DictionaryStore _dictionaries;

    private LaneHarness(NpgsqlDataSource dataSource, string consumerId, DictionaryStore dictionaries, LogTopic log, ConsumersOptions options, DetectionOptions detection, MessagesOptions messages)
    {
        _parser = new ReadingParser(new SensorDirectory(1_000), new KeyMemory(), new DialectReader(messages));
        Log = log;
        _dictionaries = dictionaries;
        Identity = new ConsumerIdentity(consumerId, "group", log.Topic, "alerts", "dead");
        _metrics = new ConsumerMetrics(_services.GetRequiredService<IMeterFactory>(), Identity);
        Lane = new LaneQueue(0, options.MaxBatchSize, TimeProvider.System);
        _lane = new StoreLane(Lane, new LaneContext(
            dataSource,
            Identity,
            dictionaries,
            new FactoryMonitoring.Data.ReadingPartitions(dataSource),
            new DetectionRules(detection),
            options,
            Status,
            _metrics,
            TimeProvider.System,
            Post,
            () => { },
            NullLogger.Instance));
        _running = Task.Run(() => _lane.RunAsync(CancellationToken.None));
    }

    public LogTopic Log { get; private set; }

    public ConsumerIdentity Identity { get; }

    public ConsumerStatus Status { get; } = new();

    public LaneQueue Lane { get; }

    /// <summary>
    /// Makes consumers read partition 0 to its end, one after the other. Each is killed at a random point, sometimes within a batch that it has not stored, or
    /// just after one that it has.
    /// </summary>
    public static async Task ReadWithKillsAsync(NpgsqlDataSource dataSource, LogMessage[] log, Random random, ConsumersOptions options, CancellationToken cancellationToken)
    {
        await using var stored = dataSource.CreateCommand("SELECT next_offset FROM partition_offsets");
        for (long next = 0; next < log.Length; next = (long)(await stored.ExecuteScalarAsync(cancellationToken))!)
        {
            await using var mortal = await StartAsync(dataSource, $"c{random.Next(3)}", cancellationToken, options);
            var claimed = await mortal.ClaimAsync(0, cancellationToken);
            var until = Math.Min(log.Length, claimed.ReplayUntil + random.Next(1, 60));
            for (var at = claimed.From; at < until;)
            {
                var batch = Math.Min(random.Next(1, 25), until - at);
                mortal.Post(log[(int)at..(int)(at + batch)]);
                if (at + batch < until || random.Next(2) == 0)
                {
                    await mortal.SettledAsync(cancellationToken);
                }

                at += batch;
            }

            if (random.Next(3) == 0)
            {
                await mortal.ReleaseAsync(cancellationToken, 0);
            }
        }
    }

    public static async Task<LaneHarness> StartAsync(
        NpgsqlDataSource dataSource,
        string consumerId,
        CancellationToken cancellationToken,
        ConsumersOptions? options = null,
        DetectionOptions? detection = null,
        MessagesOptions? messages = null)
    {
        var dictionaries = new DictionaryStore(dataSource);
        var log = new LogTopic(await dictionaries.LogKeyAsync(LogId, cancellationToken), LogId, "sensor-data");
        return new LaneHarness(
            dataSource, consumerId, dictionaries, log, options ?? new ConsumersOptions(), detection ?? new DetectionOptions(), messages ?? new MessagesOptions());
    }

    /// <summary>A reading as a sensor sends it.</summary>
    public static byte[] Reading(
        string sensorId, long count, double value, string type = "temperature", string unit = "°C", string? sequenceId = null, string time = "2025-09-16T21:41:41.5Z")
    {
        var sequence = sequenceId is null ? "" : $",\"sequence_id\":\"{sequenceId}\"";
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{{\"timestamp\":\"{time}\",\"sensor_id\":\"{sensorId}\",\"sensor_type\":\"{type}\",\"value\":{value},\"unit\":\"{unit}\",\"metadata\":{{\"reading_count\":{count}{sequence}}}}}"));
    }

    /// <summary>Simulates a recreated topic: later claims are of this log.</summary>
    public void BeginLog(string logId) => Log = Log with { LogId = logId };

    /// <summary>Claims a partition and waits for the answer.</summary>
    public async Task<LaneEvent.Claimed> ClaimAsync(int partition, CancellationToken cancellationToken, long low = 0) =>
        Assert.IsType<LaneEvent.Claimed>(await TryClaimAsync(partition, cancellationToken, low));

    public async Task<LaneEvent> TryClaimAsync(int partition, CancellationToken cancellationToken, long low = 0, long? high = null, int doubts = 0)
    {
        Log = Log with { LogKey = await _dictionaries.LogKeyAsync(Log.LogId, cancellationToken) };
        var owned = _partitions[partition] = new OwnedPartition(partition, Lane, joined: false, doubts);
        Lane.Post(new LaneWork.Claim(Log, [(owned, low, high)]));
        return await NewsAsync(cancellationToken);
    }

    public async Task<LaneEvent> NewsAsync(CancellationToken cancellationToken)
    {
        await _told.WaitAsync(cancellationToken);
        Assert.True(_events.TryDequeue(out var laneEvent));
        return laneEvent;
    }

    /// <summary>Passes messages to the lane as one batch.</summary>
    public void Post(IEnumerable<LogMessage> messages)
    {
        Fill(messages);
        Lane.Dispatch();
    }

    /// <summary>Adds messages to the batch that is passed next.</summary>
    public void Fill(IEnumerable<LogMessage> messages)
    {
        Assert.True(Lane.HasRoom());
        foreach (var message in messages)
        {
            var partition = _partitions[message.Partition];
            var rejection = _parser.Deserialize(message.Value, false, SerializationContext.Empty);
            if (rejection == Rejection.None && _parser.Several is { IsEmpty: false } readings)
            {
                foreach (ref var reading in readings)
                {
                    (reading.Partition, reading.Offset) = (partition, message.Offset);
                }

                Lane.Filling!.Add(partition, readings);
            }
            else if (rejection == Rejection.None)
            {
                ref var reading = ref _parser.Reading;
                reading.Partition = partition;
                reading.Offset = message.Offset;
                reading.ProducedAt = message.ProducedAt;
                Lane.Filling!.Add(partition, ref reading);
            }
            else
            {
                Lane.Filling!.Add(new RejectedMessage(
                    partition, message.Offset, rejection, _parser.Detail, _parser.SensorId, _parser.SequenceId, _parser.ReadingCount, [1], _parser.Rejected));
            }
        }
    }

    public void Tick() => Lane.Post(new LaneWork.Tick());

    public OwnedPartition Partition(int number) => _partitions[number];

    /// <summary>Waits until the lane has nothing left to do.</summary>
    public async Task SettledAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!Lane.IsIdle)
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>Releases partitions, as on a rebalance.</summary>
    public async Task ReleaseAsync(CancellationToken cancellationToken, params int[] partitions)
    {
        Lane.Post(new LaneWork.Release([.. partitions.Select(number => _partitions[number])], Lost: false, null, null));
        await SettledAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var partition in _partitions.Values)
        {
            // Nobody waits for the lane any more, so nothing may keep it waiting.
            partition.Abandon();
        }

        Lane.Complete();
        await _running;
        await _lane.DisposeAsync();
        _metrics.Dispose();
        await _services.DisposeAsync();
        _told.Dispose();
    }

    private void Post(LaneEvent laneEvent)
    {
        _events.Enqueue(laneEvent);
        _told.Release();
    }
}
