using System.Collections.Concurrent;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>
/// The loop of the single polling thread: it takes messages, passes full batches to the lanes, and responds to the group. It never waits for
/// the database, so that membership is kept however slow that is; only releasing partitions waits, for a limited time.
/// </summary>
internal sealed class IngestLoop(
    ReadingParser parser,
    KeyMemory keys,
    ConsumersOptions options,
    ConsumerIdentity identity,
    ConsumerStatus status,
    ConsumerMetrics metrics,
    AccessReport access,
    LoopHeartbeat heartbeat,
    TimeProvider time,
    ILogger<IngestLoop> logger)
{
    /// <summary>The name of the polling thread, for debuggers and tests.</summary>
    public const string ThreadName = "ingest-loop";

    private const int IdlePollMs = 100;
    private const int BusyPollMs = 5;
    private const int MessagesPerRound = 1_000;

    /// <summary>If a lane has no space for this long, partitions are paused.</summary>
    private static readonly TimeSpan PauseAfter = TimeSpan.FromMilliseconds(300);

    private static readonly TimeSpan RoomWait = TimeSpan.FromMilliseconds(10);

    private readonly ConcurrentQueue<LaneEvent> _events = new();
    private readonly AssignmentTable _assignments = new();
    private LaneDispatcher _lanes = null!;
    private PartitionFlow _flow = null!;
    private MessageIntake _intake = null!;
    private long? _noRoomSince;

    /// <summary>The partitions currently assigned by the group. Thread-safe.</summary>
    public IReadOnlyCollection<OwnedPartition> Assigned => _assignments.Partitions;

    /// <summary>Handles the group's callbacks. Set before the client subscribes.</summary>
    public Rebalance Rebalance { get; private set; } = null!;

    /// <summary>Thread-safe.</summary>
    public void Post(LaneEvent laneEvent) => _events.Enqueue(laneEvent);

    /// <summary>Polls until stopped, then releases all partitions and leaves the group. Blocks its thread.</summary>
    /// <param name="claim">Starts claiming partitions in the database, and returns immediately.</param>
    /// <param name="wake">Makes the client fetch from the partitions immediately, and returns immediately.</param>
    /// <exception cref="KafkaException">The client cannot continue.</exception>
    public void Run(
        IConsumer<Ignore, Rejection> consumer,
        IReadOnlyList<LaneQueue> lanes,
        Action<IReadOnlyList<OwnedPartition>> claim,
        Action<IReadOnlyList<TopicPartition>> wake,
        CancellationToken stopping)
    {
        Thread.CurrentThread.Name = ThreadName;
        _lanes = new LaneDispatcher(lanes, options.Linger, metrics, time);
        _flow = new PartitionFlow(consumer, identity.SensorTopic, _assignments, claim, wake, time, logger);
        _intake = new MessageIntake(consumer, identity, access, parser, keys, _assignments, _flow, _lanes, options.LinksPerSpan, logger);
        Rebalance = new Rebalance(_assignments, _lanes, heartbeat, time, logger, stopping);
        consumer.Subscribe(identity.SensorTopic);
        while (!stopping.IsCancellationRequested)
        {
            heartbeat.Beat();
            HandleEvents();
            if (_lanes.Tick())
            {
                _flow.Reclaim();
            }

            if (HasRoom())
            {
                Poll();
                _lanes.DispatchDue();
            }
        }

        Rebalance.IsLeaving = true;
        consumer.Close();
    }

    private void HandleEvents()
    {
        _flow.ClaimFresh();
        while (_events.TryDequeue(out var laneEvent))
        {
            _flow.Handle(laneEvent);
        }

        _flow.SeekAll();
        status.Claiming = _flow.Claiming;
    }

    /// <summary>Ensures that every lane has a batch to fill; otherwise waits briefly, and pauses if that has taken long.</summary>
    private bool HasRoom()
    {
        if (_lanes.MakeRoom() is not { } full)
        {
            _noRoomSince = null;
            _flow.Resume();
            status.Paused = false;
            return true;
        }

        _noRoomSince ??= time.GetTimestamp();
        if (!_flow.IsPaused && time.GetElapsedTime(_noRoomSince.Value) >= PauseAfter)
        {
            status.Paused = true;
            _flow.Pause();
        }

        if (_flow.IsPaused)
        {
            // Nothing is fetched now, but the group still gets its responses.
            _intake.PollOnce(IdlePollMs);
        }
        else
        {
            full.WaitForRoom(RoomWait);
        }

        return false;
    }

    private void Poll()
    {
        var timeout = _lanes.IsFilling || _assignments.HasFresh || _flow.Claiming > 0 ? BusyPollMs : IdlePollMs;
        for (var messages = 0; messages < MessagesPerRound && _intake.PollOnce(timeout) && !_lanes.LacksBatch; messages++)
        {
            timeout = 0;
        }
    }
}
