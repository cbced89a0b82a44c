using System.Collections.Concurrent;
using System.Threading.Channels;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// What the polling thread sees of a lane: a queue of work, and the batch that is being filled. The lane takes the work out in its order. Batches go
/// around between the two: one is filled, one waits, one is stored.
/// </summary>
/// <param name="maxBatchSize">Most readings of a batch.</param>
internal sealed class LaneQueue(int number, int maxBatchSize, TimeProvider time) : IDisposable
{
    private const int Batches = 3;

    private readonly Channel<LaneWork> _work = Channel.CreateUnbounded<LaneWork>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentQueue<ReadingBatch> _free = new(Enumerable.Range(0, Batches).Select(_ => new ReadingBatch(maxBatchSize, time)));
    private readonly AutoResetEvent _freed = new(false);
    private int _waiting;

    public int Number { get; } = number;

    /// <summary>Filled by the polling thread; null while none is free.</summary>
    public ReadingBatch? Filling { get; private set; }

    /// <summary>Nothing waits to be done, and nothing is being done.</summary>
    public bool IsIdle => Volatile.Read(ref _waiting) == 0;

    public void Dispose() => _freed.Dispose();

    /// <summary>Makes sure that there is a batch to fill.</summary>
    /// <returns>False when all are waiting to be stored.</returns>
    public bool HasRoom()
    {
        if (Filling is null && _free.TryDequeue(out var batch))
        {
            Filling = batch;
        }

        return Filling is not null;
    }

    /// <summary>Waits a little for a batch to become free.</summary>
    public void WaitForRoom(TimeSpan limit) => _freed.WaitOne(limit);

    /// <summary>Hands what has been filled to the lane.</summary>
    public void Dispatch()
    {
        if (Filling is { IsEmpty: false } batch)
        {
            Filling = null;
            batch.Close();
            Post(new LaneWork.Store(batch));
        }
    }

    public void Post(LaneWork work)
    {
        Interlocked.Increment(ref _waiting);
        _work.Writer.TryWrite(work);
    }

    /// <summary>No more work comes; what is left is done.</summary>
    public void Complete() => _work.Writer.TryComplete();

    /// <summary>The work, in its order, as it comes. Each piece ends with <see cref="Done"/>.</summary>
    public IAsyncEnumerable<LaneWork> ReadAllAsync(CancellationToken cancellationToken) => _work.Reader.ReadAllAsync(cancellationToken);

    /// <summary>The batch is stored, and can be filled again.</summary>
    public void Free(ReadingBatch batch)
    {
        batch.Clear();
        _free.Enqueue(batch);
        _freed.Set();
    }

    public void Done() => Interlocked.Decrement(ref _waiting);
}
