namespace FactoryMonitoring.Data.Ingestion;

/// <summary>The search for the readings of an acknowledged range that no memory knows, from its highest offset downwards, in as many steps as it takes.</summary>
/// <param name="parts">The parts of the range that are not known in memory.</param>
internal sealed class RangeSearch(short logKey, long epoch, IReadOnlyList<UnseenRange> parts)
{
    // The readings of a range lie within a few seconds, or one after the other: so the search ends where this many offsets hold none of them.
    private const long MaxLookBack = 200_000;

    private const long FirstStride = 1_000;

    private readonly HashSet<long>[] _seen = [.. parts.Select(_ => new HashSet<long>())];
    private readonly long[] _rejected = new long[parts.Count];
    private long _left = parts.Sum(part => part.LastCount - part.FirstCount + 1);
    private long _lowestFound = parts[0].Range.MaxOffset;

    public AcknowledgedRange Range { get; } = parts[0].Range;

    public IReadOnlyList<UnseenRange> Parts => parts;

    /// <summary>All offsets from here up to the range's highest have been searched.</summary>
    public long Below { get; private set; } = parts[0].Range.MaxOffset + 1;

    /// <summary>How many offsets the next step searches, unless these are of too many batches.</summary>
    public long Stride { get; private set; } = FirstStride;

    public long End => Math.Max(0, _lowestFound - MaxLookBack);

    public bool IsFound => _left == 0;

    public bool IsOver => IsFound || Below <= End;

    public bool IsOf(short log, IEnumerable<PartitionMove> moves) =>
        log == logKey && moves.Any(move => move.Partition == Range.Partition && move.Epoch == epoch);

    public void Found(int part, long count, long offset, bool isRejected)
    {
        if (_seen[part].Add(count))
        {
            _left--;
            _rejected[part] += isRejected ? 1 : 0;
            _lowestFound = Math.Min(_lowestFound, offset);
        }
    }

    /// <param name="below">All offsets from here on have been searched.</param>
    /// <param name="isWhole">All that the step was to search, and not as much as its number of batches allowed.</param>
    public void Searched(long below, bool isWhole)
    {
        Below = below;
        Stride = isWhole ? Math.Min(Stride * 4, MaxLookBack) : Math.Max(Stride / 2, FirstStride);
    }

    public IEnumerable<RangeLookup> Lookups() => parts.Select((part, n) => new RangeLookup(part, _rejected[n], MissingOf(part, _seen[n])));

    internal static List<(long First, long Last)> MissingOf(UnseenRange unseen, HashSet<long> seen)
    {
        var missing = new List<(long First, long Last)>();
        for (var count = unseen.FirstCount; count <= unseen.LastCount; count++)
        {
            if (seen.Contains(count))
            {
                continue;
            }

            if (missing.Count > 0 && missing[^1].Last == count - 1)
            {
                missing[^1] = (missing[^1].First, count);
            }
            else
            {
                missing.Add((count, count));
            }
        }

        return missing;
    }
}

/// <param name="Rejected">How many of the part's readings were rejected.</param>
internal sealed record RangeLookup(UnseenRange Part, long Rejected, IReadOnlyList<(long First, long Last)> Missing);
