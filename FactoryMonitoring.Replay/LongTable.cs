using System.Text.RegularExpressions;

namespace FactoryMonitoring.Replay;

/// <summary>A file whose rows hold one value each, and name its sensor.</summary>
/// <param name="Name">The column of the sensors' names.</param>
/// <param name="Value">The column of the values.</param>
/// <param name="Unit">The column of their units; null where there is none.</param>
internal sealed partial record LongTable(int Name, int Value, int? Unit)
{
    /// <returns>Null where each column is a sensor.</returns>
    /// <exception cref="ReplayFileException">Which column is which cannot be told, or the setting names none.</exception>
    public static LongTable? Find(FileShape shape, TimePlan time, ReplayOptions options, ColumnNames names, SettingName setting)
    {
        var nameColumn = setting(nameof(ReplayOptions.NameColumn));
        int name;
        if (options.NameColumn is { Length: > 0 } given)
        {
            if (given.Equals("none", StringComparison.OrdinalIgnoreCase))
            {
                return null;
            }

            name = names.Find(given, nameof(ReplayOptions.NameColumn)) is [var one] ? one
                : throw new ReplayFileException($"{nameColumn} = {given}: must be one column");
            if (time.Columns.Contains(name))
            {
                throw new ReplayFileException($"{nameColumn} = {given}: {shape.Column(name)} is the time: name the column of the sensors' names, or another time, {setting(nameof(ReplayOptions.TimeColumn))}=…");
            }
        }
        else
        {
            var found = Columns(shape, time, index => IsText(shape, index) && NameWords().IsMatch(shape.Names[index]));
            if (shape.HeaderLine is null || found.Count == 0 || Values(shape, time, -1).Count != 1)
            {
                return null;
            }

            name = found is [var only] ? only : throw new ReplayFileException(
                $"{string.Join(" and ", found.Select(shape.Column))} may name the sensor of each row: give {nameColumn}=one of them, or {nameColumn}=none where neither does");
        }

        var values = options.Columns is { Length: > 0 } columns && !columns.Equals("all", StringComparison.OrdinalIgnoreCase)
            ? [.. names.Find(columns, nameof(ReplayOptions.Columns))] : Values(shape, time, name);
        if (values is not [var value])
        {
            throw new ReplayFileException(values.Count == 0
                ? $"{shape.Column(name)} names the sensor of each row, and no other column holds numbers: a column of values is needed"
                : $"{shape.Column(name)} names the sensor of each row, and {string.Join(", ", values.Select(shape.Column))} hold numbers: name the one that holds the values, {setting(nameof(ReplayOptions.Columns))}=…, or give {nameColumn}=none, so that each column is a sensor");
        }

        var unit = Columns(shape, time, index => index != name && index != value && UnitName().IsMatch(shape.Names[index])).Cast<int?>().FirstOrDefault();
        return new LongTable(name, value, unit);
    }

    private static List<int> Columns(FileShape shape, TimePlan time, Func<int, bool> isLike) =>
        [.. Enumerable.Range(0, shape.FieldCount).Where(index => !time.Columns.Contains(index) && isLike(index))];

    private static List<int> Values(FileShape shape, TimePlan time, int name) =>
        Columns(shape, time, index => index != name && shape.Columns[index].IsNumber && !ReplayCheck.IsRowNumber(shape, index));

    private static bool IsText(FileShape shape, int index) => shape.Columns[index] is { IsEmpty: false, IsNumber: false, IsTime: false, IsClock: false };

    [GeneratedRegex("^(sensor|tag|point|channel|signal|metric|variable|parameter|item|series|device|station|node|kanal|messstelle)([ _-]?(id|name|key|no|nr))?$|^(name|tagname|pointname|measurement|quantity|attribute|key|kennung)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NameWords();

    [GeneratedRegex("^(units?|uom|einheit|(unit|units)[ _]?of[ _]?measure(ment)?)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex UnitName();
}
