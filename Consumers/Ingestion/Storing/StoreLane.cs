using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>
/// Stores the batches of its share of the partitions, one transaction after another, while the polling thread fills the next and other
/// lanes store theirs. Everything about a partition's ownership in the database happens here, in queue order.
/// </summary>
internal sealed class StoreLane : IAsyncDisposable
{
    private readonly LaneContext _context;
    private readonly IngestStore _store;
    private readonly LeaseTable _leases;
    private readonly WorkingTime _workingTime;
    private readonly DueWork _due;
    private readonly DatabaseCondition _database;
    private readonly RowEncoder _encoder;
    private readonly BatchPlanner _planner;
    private readonly BatchWriter _writer;
    private readonly LeaseKeeper _keeper;
    private readonly SnapshotWriter _snapshots;

    /// <param name="queue">Disposed of with the lane.</param>
    public StoreLane(LaneQueue queue, LaneContext context)
    {
        (Queue, _context) = (queue, context);
        _store = new IngestStore(context.DataSource, context.Identity.ConsumerId, context.Dictionaries);
        _leases = new LeaseTable(context.Status);
        _workingTime = new WorkingTime(context.Time);
        _due = new DueWork(context.Options, context.Time);
        _database = new DatabaseCondition(queue.Number, context.Status, context.Time, context.Logger);
        var recovery = new DatabaseRecovery(queue.Number, context, _leases, _database);
        var rows = new ReadingRows(context.Options.MaxBatchSize);
        _encoder = new RowEncoder(_store, context.Dictionaries, rows);
        _planner = new BatchPlanner(context.Identity, rows, () => _store.UtcNow);
        _writer = new BatchWriter(queue.Number, context, _store, _leases, _encoder, _database, recovery);
        _keeper = new LeaseKeeper(context, _store, _leases, _workingTime, _database, recovery);
        _snapshots = new SnapshotWriter(queue.Number, context, _store, _leases, recovery);
    }

    public LaneQueue Queue { get; }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        Queue.Dispose();
    }

    /// <summary>Prepares the first transaction. Must be called before <see cref="RunAsync"/>.</summary>
    public Task WarmUpAsync(LogTopic log, CancellationToken cancellationToken) => _store.WarmUpAsync(log, cancellationToken);

    /// <summary>Works until the queue is completed, then finishes the rest.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var work in Queue.ReadAllAsync(cancellationToken))
        {
            switch (work)
            {
                case LaneWork.Claim claim:
                    await _keeper.ClaimAsync(claim, cancellationToken);
                    break;
                case LaneWork.Store store:
                    await StoreAsync(store.Batch, isLast: false, cancellationToken);
                    Queue.Free(store.Batch);
                    break;
                case LaneWork.Tick:
                    await StoreAsync(null, isLast: false, cancellationToken);
                    _database.ReportRoom();
                    break;
                case LaneWork.Release release:
                    await ReleaseAsync(release, cancellationToken);
                    break;
            }

            await _keeper.MoveAsideAsync(cancellationToken);
            await _snapshots.WriteAsync(cancellationToken);
            Queue.Done();
        }
    }

    /// <param name="batch">Null if only the work that is due by time is written.</param>
    /// <param name="isLast">Write all of that now, regardless of the time: a lease ends.</param>
    private async Task StoreAsync(ReadingBatch? batch, bool isLast, CancellationToken cancellationToken)
    {
        _leases.DropAbandoned();
        var started = _context.Time.GetTimestamp();
        using var trace = batch is null ? null : _context.Metrics.StartBatch(batch);
        WritePlan plan;
        using (trace?.StartStep("detect"))
        {
            var terms = Terms(batch, isLast);
            plan = _planner.Plan(batch, _leases, terms, trace);
            if (terms.IsDue)
            {
                _due.Planned();
            }
        }

        if (plan.Unjudged > 0)
        {
            _context.Status.NotJudged(_context.Rules.MaxSensors);
            _context.Metrics.NotJudged(plan.Unjudged);
        }

        foreach (var write in plan.Writes)
        {
            using var step = trace?.StartStep("store");
            await _writer.StoreAsync(batch, write, trace, cancellationToken);
        }

        if (batch is not null)
        {
            _context.Metrics.Processed(_context.Time.GetElapsedTime(started));
        }
    }

    private PlanTerms Terms(ReadingBatch? batch, bool isLast) => new(
        _workingTime.Advance(),
        // The database's clock is unknown before the first lease.
        _leases.IsEmpty ? 0 : _encoder.KeyValidity,
        isLast || _due.IsDue(_leases),
        isLast,
        batch is not null && _due.TryAnnounce());

    private async Task ReleaseAsync(LaneWork.Release work, CancellationToken cancellationToken)
    {
        try
        {
            if (!work.Lost && work.Partitions.Any(partition => partition is { Lease: not null, IsAbandoned: false }))
            {
                await StoreAsync(null, isLast: true, cancellationToken);
                await _snapshots.FinishAsync(work.Partitions, cancellationToken);
            }

            await _keeper.ReleaseAsync(work.Partitions, work.Lost, work.Reason, cancellationToken);
        }
        finally
        {
            foreach (var partition in work.Partitions)
            {
                _leases.Drop(partition);
            }

            work.Done?.Signal();
        }
    }
}
