using System.Text.RegularExpressions;

namespace FactoryMonitoring.Replay;

/// <summary>The contents of some rows of a column.</summary>
internal sealed partial class ColumnSample
{
    private int _filled;
    private int _numbers;
    private int _dates;
    private int _clocks;
    private int _compact;
    private int _halves;
    private int _zones;
    private int _repeats;
    private int _likeClocks;
    private int _steps;
    private int _dated;
    private int _pointOnly;
    private int _commaOnly;
    private double _last = double.NaN;
    private string? _first;
    private string? _before;

    public bool IsEmpty => _filled == 0;

    public bool IsNumber => _filled > 0 && _numbers * 2 >= _filled && !IsTime && !IsClock;

    /// <summary>Whether the column contains dates, with or without a time of day.</summary>
    public bool IsTime => _dates > 0 && _dates * 2 > _filled && _dates >= _clocks;

    /// <summary>Whether the dates have a time of day. Midnight without a zone in several rows of a day is none, as spreadsheets write it.</summary>
    public bool HasClock => _dated * 2 > _dates && !(LatestClock == 0 && _zones == 0 && Repeats);

    public bool IsClock => _clocks > 0 && _clocks * 2 > _filled && !IsTime;

    /// <summary>Whether the values of a third of the rows are those of the row before.</summary>
    public bool Repeats => _repeats > 0 && _repeats * 3 >= _filled;

    /// <summary>Whether the column contains times of day, texts that begin as one does, or numbers that count the hours of each day.</summary>
    public bool IsLikeClock => _filled > 0 && !IsTime && ((_clocks + _likeClocks) * 2 > _filled || (IsNumber && IsWhole && Least is 0 or 1 && Most is 23 or 24 && _steps * 4 >= _filled * 3));

    /// <summary>Whether the column contains numbers such as 20131202 or 201312022115.</summary>
    public bool IsCompactDate => _compact > 0 && _compact == _filled;

    /// <summary>Whether the column contains AM and PM, which belong to the times of another column.</summary>
    public bool IsHalfDay => _halves > 0 && _halves == _filled;

    /// <summary>Whether the times name their zone.</summary>
    public bool HasZone => _zones > 0;

    /// <summary>The first text that is not a missing value; null if there is none.</summary>
    public string? First => _first;

    /// <summary>The latest time of day, in ticks since midnight.</summary>
    public long LatestClock { get; private set; }

    public bool IsRising { get; private set; } = true;

    /// <summary>Whether all values are whole numbers.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>Whether all values are the same text.</summary>
    public bool IsConstant { get; private set; } = true;

    /// <summary>Whether each value is one more than the previous one.</summary>
    public bool IsCount { get; private set; } = true;

    public double Least { get; private set; } = double.PositiveInfinity;

    public double Most { get; private set; } = double.NegativeInfinity;

    public int Numbered => _numbers;

    public static ColumnSample[] Of(IEnumerable<string[]> rows, int count, MissingMarkers missing)
    {
        var columns = new ColumnSample[count];
        for (var i = 0; i < count; i++)
        {
            columns[i] = new ColumnSample();
        }

        foreach (var row in rows)
        {
            for (var i = 0; i < Math.Min(count, row.Length); i++)
            {
                columns[i].Add(row[i], missing);
            }
        }

        return columns;
    }

    /// <summary>Returns whether a text is a number or a time.</summary>
    public static bool IsRead(string text) => Cell.FormsOf(text) != NumberForms.None || IsTimeOfSomeKind(text);

    /// <summary>Returns whether a text is a date, a time of day or both.</summary>
    public static bool IsTimeOfSomeKind(string text) => IsDate(text, out _) || TimeText.TryReadClock(text, isNumber: false, out _);

    /// <summary>The decimal sign of most numbers that can be read with only one; null if there are none.</summary>
    public DecimalSign? Sign => _pointOnly == 0 && _commaOnly == 0 ? null : _pointOnly >= _commaOnly ? DecimalSign.Point : DecimalSign.Comma;

    /// <summary>The mark in the first number that can be read with either sign; null if there is none.</summary>
    public DecimalSign? Mark { get; private set; }

    /// <returns>The decimal sign; null if it cannot be determined.</returns>
    public static DecimalSign? DecimalOf(ColumnSample[] columns)
    {
        var numbers = columns.Where(column => column.IsNumber).ToList();
        var (point, comma) = (numbers.Sum(column => column._pointOnly), numbers.Sum(column => column._commaOnly));
        return point == 0 && comma == 0 ? null : point >= comma ? DecimalSign.Point : DecimalSign.Comma;
    }

    private static bool IsDate(string text, out TimeText time) =>
        TimeText.TryRead(text, out time) && (time.TryDay(DateOrder.DayFirst, out _) || time.TryDay(DateOrder.MonthFirst, out _) || time.TryDay(DateOrder.YearFirst, out _));

    private void Add(string text, MissingMarkers missing)
    {
        if (missing.IsText(text))
        {
            return;
        }

        _filled++;
        _repeats += text == _before ? 1 : 0;
        _before = text;
        _first ??= text;
        IsConstant &= text == _first;
        var forms = Replay.Numbers.FormsOf(text);
        if (forms == NumberForms.None)
        {
            if (IsDate(text, out var time))
            {
                _dates++;
                _dated += time.HasClock ? 1 : 0;
                _zones += time.Offset is null ? 0 : 1;
                LatestClock = Math.Max(LatestClock, time.Clock);
                _clocks += TimeText.TryReadClock(text, isNumber: false, out _) ? 1 : 0;
                return;
            }

            if (TimeText.TryReadClock(text, isNumber: false, out var clock))
            {
                _clocks++;
                _zones += clock.Offset is null ? 0 : 1;
                LatestClock = Math.Max(LatestClock, clock.Clock);
                return;
            }

            _halves += TimeText.IsHalfDayAlone(text) ? 1 : 0;
            if (Cell.FormsOf(text) is NumberForms.None)
            {
                _likeClocks += IsBegunAsClock(text) ? 1 : 0;
                return;
            }

            text = Cell.NumberOf(text).ToString();
            forms = Replay.Numbers.FormsOf(text);
        }

        _numbers++;
        _pointOnly += forms == NumberForms.WithPoint ? 1 : 0;
        _commaOnly += forms == NumberForms.WithComma ? 1 : 0;
        Mark ??= forms != NumberForms.Both ? null : text.Contains('.', StringComparison.Ordinal) ? DecimalSign.Point : text.Contains(',', StringComparison.Ordinal) ? DecimalSign.Comma : null;
        if (text.Length >= 8 && text.All(char.IsAsciiDigit) && IsDate(text, out var compact))
        {
            _compact++;
            _dated += compact.HasClock ? 1 : 0;
            LatestClock = Math.Max(LatestClock, compact.Clock);
        }

        if (!Replay.Numbers.TryRead(text, forms == NumberForms.WithComma ? DecimalSign.Comma : DecimalSign.Point, out var value))
        {
            return;
        }

        Least = Math.Min(Least, value);
        Most = Math.Max(Most, value);
        IsRising &= !(value < _last);
        IsWhole &= value == Math.Floor(value);
        IsCount &= double.IsNaN(_last) || value == _last + 1;
        _steps += value == _last + 1 ? 1 : 0;
        _last = value;
    }

    // An hour and what follows it in a time of day, or the hour after it: 10:00 local, 9 Uhr, 14 o'clock, T1000, 10-11.
    private static bool IsBegunAsClock(string text) => BegunAsClock().Match(text) is { Success: true } match
        && (!match.Groups["end"].Success || int.Parse(match.Groups["end"].Value) == (int.Parse(match.Groups["hour"].Value) + 1) % (match.Groups["end"].Value == "24" ? 25 : 24));

    [GeneratedRegex(@"^T?(?<hour>[01]?\d|2[0-4])(:[0-5]\d|[ ]?(h|hrs|uhr|o'clock|[ap]\.?[ ]?m\.?)($|[^a-z])|[ ]?(-|–|to|bis)[ ]?(?<end>[01]?\d|2[0-4])($|[ h]))|^T([01]\d|2[0-4])[0-5]\d([0-5]\d)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex BegunAsClock();
}
