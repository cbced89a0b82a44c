using System.Text.RegularExpressions;

namespace FactoryMonitoring.Replay;

/// <summary>A column of texts that are the units of the values in the same row.</summary>
/// <param name="index">The index of the column.</param>
/// <param name="of">The column of the values, which the name or the place of the unit column tells; null if neither does.</param>
internal sealed partial class UnitColumn(int index, int? of)
{
    /// <summary>Maximum number of different units that are kept for a sensor: two are enough to refuse the file.</summary>
    private const int MostKept = 3;

    private readonly Dictionary<string, List<UnitInRow>>.AlternateLookup<ReadOnlySpan<char>> _units = new Dictionary<string, List<UnitInRow>>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    public int Index => index;

    public int? Of => of;

    /// <summary>Finds the unit columns. In pairs of a value and its unit, each belongs to the column before it.</summary>
    /// <param name="shape">How the file is written.</param>
    /// <param name="values">The columns of numbers.</param>
    /// <param name="others">The columns that are neither time, name nor value.</param>
    public static UnitColumn[] Find(FileShape shape, int[] values, IEnumerable<int> others)
    {
        if (shape.HeaderLine is null)
        {
            return [];
        }

        int[] texts = [.. others.Where(index => shape.Columns[index] is { IsTime: false, IsClock: false } column && (!column.IsNumber || (column.First is { } first && Units.OfCell(first) is not null)))];
        int[] plain = [.. texts.Where(index => PlainName().IsMatch(shape.Names[index]))];
        var arePairs = plain.Length > 1 && Array.TrueForAll(plain, index => values.Contains(index - 1));
        return [.. texts.Select(index => plain.Contains(index) ? new UnitColumn(index, arePairs ? index - 1 : null) : OfName(shape, values, index)).OfType<UnitColumn>()];
    }

    /// <summary>Returns whether a column is named as a unit column and contains units.</summary>
    public static bool IsLike(FileShape shape, int index) =>
        (PlainName().IsMatch(shape.Names[index]) || NameOfOther().IsMatch(shape.Names[index])) && shape.Columns[index].First is { } first && Units.OfCell(first) is not null;

    /// <summary>Notes the unit of a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="name">The name of the row's sensor or device; empty if each column is a sensor.</param>
    /// <param name="missing">The texts that stand for a missing unit.</param>
    public void Add(RowReader row, string name, MissingMarkers missing)
    {
        var text = row.Chars(index);
        if (missing.IsText(text))
        {
            return;
        }

        if (!_units.TryGetValue(name, out var units))
        {
            _units[name] = units = [];
        }

        if (units.Count >= MostKept)
        {
            return;
        }

        foreach (var unit in units)
        {
            if (text.SequenceEqual(unit.Text))
            {
                return;
            }
        }

        var written = text.ToString();
        var symbol = Units.OfCell(written);
        if (!units.Exists(unit => unit.Symbol == symbol && symbol is not null))
        {
            units.Add(new UnitInRow(symbol, written, row.Line));
        }
    }

    /// <summary>Returns the different units of a sensor or a device, by the first row of each.</summary>
    public IReadOnlyList<UnitInRow> UnitsOf(string name) => _units.TryGetValue(name, out var units) ? units : [];

    // temperature_unit, "Unit of pressure": the rest of the name is that of the values, or begins as it does.
    private static UnitColumn? OfName(FileShape shape, int[] values, int index)
    {
        if (NameOfOther().Match(shape.Names[index]) is not { Success: true } match)
        {
            return null;
        }

        var named = Bare(match.Groups["of"].Value);
        int[] same = [.. Enumerable.Range(0, shape.FieldCount).Where(other => other != index && (Bare(shape.Names[other]) == named || Bare(shape.Measured[other]) == named))];
        if (same.Length > 0)
        {
            return same is [var one] && values.Contains(one) ? new UnitColumn(index, one) : null;
        }

        if (named.Length == 0 || Units.SaysNothing(match.Groups["of"].Value))
        {
            return new UnitColumn(index, null);
        }

        int[] alike = [.. values.Where(other => Bare(shape.Measured[other]) is var bare && (bare.StartsWith(named, StringComparison.Ordinal) || named.StartsWith(bare, StringComparison.Ordinal)))];
        if (alike.Length == 0 && Units.TypeOf(match.Groups["of"].Value, null) is { } type)
        {
            alike = [.. values.Where(other => Units.TypeOf(shape.Measured[other], null) == type)];
        }

        return alike is [var single] ? new UnitColumn(index, single)
            : shape.Columns[index].First is { } first && Units.OfCell(first) is not null ? new UnitColumn(index, null) : null;
    }

    private static string Bare(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    [GeneratedRegex("^((eng(ineering)?|measurement|measuring)[ _.-]?)?(units?|uom|einheit(en)?|unités?|unidad(es)?|unità|eenheid)([ _.-]?of[ _.-]?measure(ment)?)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex PlainName();

    [GeneratedRegex(@"^(?<of>.*?)([ _.\-(\[]+(?i:units?|uom|einheit)[)\]]?|(?<=[a-z0-9])(Units?|Uom|UOM|Einheit))$|^(?i:units?|uom|einheit)([ _.\-]+(?i:of|for|von|der)(?=[ _.\-]))?[ _.\-]+(?<of>.+)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex NameOfOther();
}

/// <summary>A unit in a unit column.</summary>
/// <param name="Symbol">The symbol of the unit; null if the text is not known to be a unit.</param>
/// <param name="Text">The unit as it is written.</param>
/// <param name="Line">The first line with it.</param>
internal sealed record UnitInRow(string? Symbol, string Text, long Line);
