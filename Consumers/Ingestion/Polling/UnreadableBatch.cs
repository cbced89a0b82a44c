namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>
/// Finds the end of a batch of records that the client cannot decompress. The client's error names only the first offset of the batch, and is the same
/// wherever in the batch the client starts to read. The search goes forward in growing steps until the client can read, and then bisects.
/// </summary>
/// <param name="first">The first offset of the batch.</param>
/// <param name="readFrom">The offset at which the client started to read.</param>
/// <param name="high">The end of the log, which is at or after the end of the batch.</param>
/// <param name="reason">The client's error.</param>
internal sealed class UnreadableBatch(long first, long readFrom, long high, string reason)
{
    private long _inside = Math.Max(first, readFrom);
    private long? _outside;
    private long _step = 1;

    public long First { get; } = first;

    public string Reason { get; } = reason;

    /// <summary>The next offset to read from.</summary>
    public long Next { get; private set; } = Math.Max(first, readFrom) + 1;

    /// <summary>One past the last offset of the batch; null while unknown.</summary>
    public long? End => _outside == _inside + 1 ? _outside : null;

    /// <summary>Records that the client cannot read from <see cref="Next"/>.</summary>
    public void Inside()
    {
        _inside = Next;
        _step *= 2;
        Next = _outside is { } outside ? Middle(outside) : Math.Max(_inside + 1, Math.Min(_inside + _step, high));
    }

    /// <summary>Records that the client can read from <see cref="Next"/>, or that the log ends there.</summary>
    public void Outside()
    {
        _outside = Next;
        Next = Middle(Next);
    }

    private long Middle(long outside) => _inside + Math.Max(1, (outside - _inside) / 2);
}
