namespace FactoryMonitoring.Replay;

/// <summary>
/// Finds a column that names devices if the beginning of the file contains only one of them: times that go back or repeat no longer do so among the rows of
/// each name. The rows of the whole file are counted, in a few bytes per name.
/// </summary>
/// <param name="columns">The columns that may name devices.</param>
internal sealed class LateNames(int[] columns)
{
    /// <summary>Maximum number of names: a column with more contains texts.</summary>
    private const int MostNames = 10_000;

    /// <summary>Fewer steps back than this may come from a clock, and a text that changes with them may be a state.</summary>
    private const int FewSteps = 20;

    private readonly Column[] _columns = [.. columns.Select(index => new Column(index))];
    private readonly Dictionary<string, DateTime> _lastOf = new(StringComparer.Ordinal);
    private readonly Steps _steps = new();
    private DateTime? _first;
    private DateTime? _newest;
    private long _rows;
    private int _jumps;

    private sealed class Steps
    {
        public long Forward { get; private set; }

        public long Backward { get; private set; }

        public long Same { get; private set; }

        public void Add(int step)
        {
            Forward += step > 0 ? 1 : 0;
            Backward += step < 0 ? 1 : 0;
            Same += step == 0 ? 1 : 0;
        }

        public long OutOfOrder(bool isForward) => Same + (isForward ? Backward : Forward);
    }

    private sealed class Column(int index)
    {
        public int Index => index;

        public Dictionary<string, DateTime> Last { get; } = new(StringComparer.Ordinal);

        public Steps Steps { get; } = new();

        /// <summary>Number of steps back to near the file's beginning at a row with a new name.</summary>
        public int Jumps { get; set; }

        public bool IsText { get; set; }
    }

    /// <param name="named">The name that the row already has; null if each column is a sensor.</param>
    public void Add(RowReader row, string? named, DateTime time)
    {
        _rows++;
        var hasBefore = _lastOf.TryGetValue(named ?? "", out var before);
        if (hasBefore)
        {
            _steps.Add(time.CompareTo(before));
        }

        // A step back to the first half of the time span read so far: another device begins.
        var isJump = hasBefore && _newest - _first is { } span && span > TimeSpan.Zero && time < _first + (span / 2) && time < before;
        _jumps += isJump ? 1 : 0;
        _first = _first is null || time < _first ? time : _first;
        _newest = _newest is null || time > _newest ? time : _newest;
        _lastOf[named ?? ""] = time;
        foreach (var column in _columns)
        {
            if (column.IsText)
            {
                continue;
            }

            var name = named is null ? row[column.Index] : $"{named}\n{row[column.Index]}";
            if (column.Last.TryGetValue(name, out var last))
            {
                column.Steps.Add(time.CompareTo(last));
            }
            else if (column.Last.Count >= MostNames)
            {
                column.IsText = true;
                column.Last.Clear();
                continue;
            }
            else
            {
                column.Jumps += isJump ? 1 : 0;
            }

            column.Last[name] = time;
        }
    }

    /// <summary>Returns the column that names devices; null if none does.</summary>
    public int? Find()
    {
        var isForward = _steps.Forward >= _steps.Backward;
        var outOfOrder = _steps.OutOfOrder(isForward);
        return outOfOrder == 0 ? null : _columns.Where(column => !column.IsText && column.Last.Count > _lastOf.Count && column.Last.Count * 2 <= _rows
                && (outOfOrder >= FewSteps ? column.Steps.OutOfOrder(isForward) * 4 <= outOfOrder : column.Steps.OutOfOrder(isForward) == 0 && _jumps == outOfOrder && column.Jumps == _jumps))
            .OrderBy(column => column.Steps.OutOfOrder(isForward)).ThenBy(column => column.Last.Count).Select(column => (int?)column.Index).FirstOrDefault();
    }
}
