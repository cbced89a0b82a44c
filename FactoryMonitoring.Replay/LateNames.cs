namespace FactoryMonitoring.Replay;

/// <summary>
/// Finds a column that names devices if the beginning of the file contains only one of them: times that go back or repeat no longer do so among the rows of
/// each name. The rows of the whole file are counted, in a few bytes per name.
/// </summary>
/// <param name="columns">The columns that may name devices.</param>
/// <param name="series">The column that numbers series, which names them where no text does; null if there is none.</param>
/// <param name="mayBeTwo">Whether two columns together may name a device.</param>
internal sealed class LateNames(int[] columns, int? series = null, bool mayBeTwo = false)
{
    /// <summary>Maximum number of names: a column with more contains texts.</summary>
    private const int MostNames = 10_000;

    /// <summary>Fewer steps back than this may come from a clock, and a text that changes with them may be a state.</summary>
    private const int FewSteps = 20;

    /// <summary>Two names of each of two columns are four series, which begin three times after the first.</summary>
    private const int FewestOfTwo = 3;

    private readonly Column[] _columns = [.. columns.Where(index => index != series).Select(index => new Column([index]))];
    private readonly Column[] _series = [.. series is { } number ? [new Column([number])] : Array.Empty<Column>()];
    private readonly List<Column> _pairs = [];
    private readonly Dictionary<string, DateTime> _lastOf = new(StringComparer.Ordinal);
    private readonly Steps _steps = new();
    private DateTime? _first;
    private DateTime? _newest;
    private long _rows;
    private long _rowsBeforeSteps;
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

        public Steps Copy() => new() { Forward = Forward, Backward = Backward, Same = Same };

        public long OutOfOrder(bool isForward) => Same + (isForward ? Backward : Forward);
    }

    private sealed class Column(int[] indexes)
    {
        public int[] Indexes => indexes;

        public Dictionary<string, DateTime> Last { get; } = new(StringComparer.Ordinal);

        public Steps Steps { get; private init; } = new();

        /// <summary>Number of steps back to near the file's beginning at a row with a new name.</summary>
        public int Jumps { get; set; }

        public bool IsText { get; set; }

        public string NameIn(RowReader row, string? named) => indexes is [var only] ? (named is null ? row[only] : $"{named}\n{row[only]}") : $"{row[indexes[0]]}\n{row[indexes[1]]}";

        /// <summary>Returns both columns as one, while <paramref name="constant"/> has had a single name: the steps so far are those of this column.</summary>
        public Column With(Column constant)
        {
            var isFirst = indexes[0] < constant.Indexes[0];
            var both = new Column(isFirst ? [indexes[0], constant.Indexes[0]] : [constant.Indexes[0], indexes[0]]) { Steps = Steps.Copy(), Jumps = Jumps };
            var name = constant.Last.Keys.FirstOrDefault("");
            foreach (var (own, time) in Last)
            {
                both.Last[isFirst ? $"{own}\n{name}" : $"{name}\n{own}"] = time;
            }

            return both;
        }
    }

    /// <param name="named">The name that the row already has; null if each column is a sensor.</param>
    public void Add(RowReader row, string? named, DateTime time)
    {
        _rows++;
        var hasBefore = _lastOf.TryGetValue(named ?? "", out var before);
        if (hasBefore)
        {
            _steps.Add(time.CompareTo(before));
            _rowsBeforeSteps = _steps.Same == 0 && (_steps.Forward == 0 || _steps.Backward == 0) ? _rows : _rowsBeforeSteps;
        }

        // A step back to the first half of the time span read so far: another device begins.
        var isJump = hasBefore && _newest - _first is { } span && span > TimeSpan.Zero && time < _first + (span / 2) && time < before;
        _jumps += isJump ? 1 : 0;
        _first = _first is null || time < _first ? time : _first;
        _newest = _newest is null || time > _newest ? time : _newest;
        _lastOf[named ?? ""] = time;
        if (mayBeTwo)
        {
            Pair(row);
        }

        foreach (var column in _columns.Concat(_pairs).Concat(_series))
        {
            if (column.IsText)
            {
                continue;
            }

            var name = column.NameIn(row, named);
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

    // Two columns are followed together from the row on in which both have had two names: before it, one of them alone has the same steps.
    private void Pair(RowReader row)
    {
        for (var i = 0; i < _columns.Length; i++)
        {
            for (var j = i + 1; j < _columns.Length; j++)
            {
                var (one, other) = (_columns[i], _columns[j]);
                if (one.IsText || other.IsText || (one.Last.Count > 1 && other.Last.Count > 1) || !WillVary(one, row) || !WillVary(other, row))
                {
                    continue;
                }

                _pairs.Add(one.Last.Count <= 1 ? other.With(one) : one.With(other));
            }
        }

        static bool WillVary(Column column, RowReader row) => column.Last.Count > 1 || (column.Last.Count == 1 && !column.Last.ContainsKey(row[column.Indexes[0]]));
    }

    /// <summary>Whether many rows from the first such step on, or all rows at which a device could begin, show that the columns name devices. A state changes with few.</summary>
    public bool IsSure => _steps.OutOfOrder(_steps.Forward >= _steps.Backward) is var outOfOrder && (outOfOrder * 4 >= _rows - _rowsBeforeSteps || outOfOrder == _jumps);

    /// <summary>Returns the columns that name devices, one or two; null if none do.</summary>
    public int[]? Find()
    {
        var isForward = _steps.Forward >= _steps.Backward;
        var outOfOrder = _steps.OutOfOrder(isForward);
        return outOfOrder == 0 ? null : Best(_columns) ?? (outOfOrder >= FewestOfTwo ? Best(_pairs, part: 20) : null) ?? Best(_series);

        int[]? Best(IEnumerable<Column> candidates, int part = 4) => candidates.Where(column => !column.IsText && column.Last.Count > _lastOf.Count && column.Last.Count * 2 <= _rows
                && (outOfOrder >= FewSteps ? column.Steps.OutOfOrder(isForward) * part <= outOfOrder : column.Steps.OutOfOrder(isForward) == 0 && _jumps == outOfOrder && column.Jumps == _jumps))
            .OrderBy(column => column.Steps.OutOfOrder(isForward)).ThenBy(column => column.Last.Count).FirstOrDefault()?.Indexes;
    }
}
