using System.Collections.Concurrent;
using System.Threading.Channels;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>
/// The polling thread's view of a lane: a queue of work, and the batch being filled. The lane takes the work in order. Batches
/// circulate between the two: one is filled, one waits, one is stored.
/// </summary>
/// <param name="maxBatchSize">The maximum number of readings in a batch.</param>
internal sealed class LaneQueue(int number, int maxBatchSize, TimeProvider time) : IDisposable
{
    private const int Batches = 3;

    private readonly Channel<LaneWork> _work = Channel.CreateUnbounded<LaneWork>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentQueue<ReadingBatch> _free = new(Enumerable.Range(0, Batches).Select(_ => new ReadingBatch(maxBatchSize, time)));
    private readonly AutoResetEvent _freed = new(false);
    private int _waiting;

    public int Number { get; } = number;

    /// <summary>The batch that the polling thread fills; null while none is free.</summary>
    public ReadingBatch? Filling { get; private set; }

    /// <summary>Whether no work is waiting or in progress.</summary>
    public bool IsIdle => Volatile.Read(ref _waiting) == 0;

    public void Dispose() => _freed.Dispose();

    /// <summary>Ensures that there is a batch to fill.</summary>
    /// <returns>False if all batches are waiting to be stored.</returns>
    public bool HasRoom()
    {
        if (Filling is null && _free.TryDequeue(out var batch))
        {
            Filling = batch;
        }

        return Filling is not null;
    }

    /// <summary>Waits at most for the limit until a batch becomes free.</summary>
    public void WaitForRoom(TimeSpan limit) => _freed.WaitOne(limit);

    /// <summary>Passes the filled batch to the lane.</summary>
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

    /// <summary>Closes the queue; the remaining work is still done.</summary>
    public void Complete() => _work.Writer.TryComplete();

    /// <summary>Returns the work in order as it arrives. Each item ends with <see cref="Done"/>.</summary>
    public IAsyncEnumerable<LaneWork> ReadAllAsync(CancellationToken cancellationToken) => _work.Reader.ReadAllAsync(cancellationToken);

    /// <summary>Returns a stored batch, which can be filled again.</summary>
    public void Free(ReadingBatch batch)
    {
        batch.Clear();
        _free.Enqueue(batch);
        _freed.Set();
    }

    public void Done() => Interlocked.Decrement(ref _waiting);
}
