namespace FactoryMonitoring.Consumers.Detection;

/// <summary>
/// The reading_counts of one sensor in a partition: all between the lowest and the highest seen, except for gaps. A producer that
/// restarts skips the rest of its block; two producers of one sensor fill each other's gaps.
/// </summary>
internal sealed class SequenceAccount
{
    /// <summary>Beyond this number the lowest gaps are forgotten, with everything below them.</summary>
    private const int MaxGaps = 64;

    // Nearly all accounts have none.
    private List<(long First, long Last)>? _gaps;

    public bool IsEmpty { get; private set; } = true;

    /// <summary>The count below which nothing is known.</summary>
    public long Floor { get; private set; }

    public long Last { get; private set; }

    public int GapCount => _gaps?.Count ?? 0;

    public IReadOnlyList<(long First, long Last)> Gaps => _gaps ?? (IReadOnlyList<(long First, long Last)>)[];

    public static SequenceAccount Restore(long floor, long last, IEnumerable<(long First, long Last)> gaps)
    {
        var account = new SequenceAccount { IsEmpty = false, Floor = floor, Last = last };
        account._gaps = [.. gaps];
        return account;
    }

    /// <returns>False if the count was already present.</returns>
    public bool Add(long count)
    {
        if (IsEmpty)
        {
            (IsEmpty, Floor, Last) = (false, count, count);
            return true;
        }

        if (count > Last)
        {
            if (count > Last + 1)
            {
                (_gaps ??= []).Add((Last + 1, count - 1));
                Forget();
            }

            Last = count;
            return true;
        }

        if (count < Floor)
        {
            if (count < Floor - 1)
            {
                (_gaps ??= []).Insert(0, (count + 1, Floor - 1));
            }

            Floor = count;
            Forget();
            return true;
        }

        return FillGap(count);
    }

    // A separate method, because the search allocates an object: otherwise every added count, that is every reading, would allocate one.
    private bool FillGap(long count)
    {
        if (_gaps?.FindIndex(gap => gap.First <= count && count <= gap.Last) is not (>= 0 and var index))
        {
            return false;
        }

        var (first, last) = _gaps![index];
        _gaps.RemoveAt(index);
        if (count < last)
        {
            _gaps.Insert(index, (count + 1, last));
        }

        if (first < count)
        {
            _gaps.Insert(index, (first, count - 1));
        }

        Forget();
        return true;
    }

    /// <summary>Removes a count whose reading was not stored after all: it is unseen again.</summary>
    public void Remove(long count)
    {
        if (IsEmpty || count < Floor || count > Last || Gaps.Any(gap => gap.First <= count && count <= gap.Last))
        {
            return;
        }

        _gaps ??= [];
        var behind = _gaps.FindIndex(gap => gap.First > count);
        _gaps.Insert(behind < 0 ? _gaps.Count : behind, (count, count));
        Forget();
    }

    /// <summary>Returns the parts of a range that are not known to be present, in ascending order.</summary>
    public IEnumerable<(long First, long Last)> Unseen(long first, long last)
    {
        if (IsEmpty)
        {
            yield return (first, last);
            yield break;
        }

        if (first < Floor)
        {
            yield return (first, Math.Min(last, Floor - 1));
        }

        foreach (var gap in Gaps)
        {
            var from = Math.Max(first, gap.First);
            var to = Math.Min(last, gap.Last);
            if (from <= to)
            {
                yield return (from, to);
            }
        }

        if (last > Last)
        {
            yield return (Math.Max(first, Last + 1), last);
        }
    }

    /// <summary>Forgets all gaps, with everything below them.</summary>
    public void ForgetGaps()
    {
        if (_gaps is [.., var last])
        {
            Floor = last.Last + 1;
        }

        _gaps = null;
    }

    private void Forget()
    {
        while (_gaps?.Count > MaxGaps)
        {
            Floor = _gaps[0].Last + 1;
            _gaps.RemoveAt(0);
        }
    }
}
