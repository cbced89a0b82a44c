namespace FactoryMonitoring.Replay;

/// <summary>Finds the columns that settings name.</summary>
internal sealed class ColumnNames(FileShape shape, SettingName setting)
{
    private const int MostNamed = 30;

    /// <summary>Finds columns by name, or by number from 1 on, separated by commas. A name takes precedence over a number.</summary>
    /// <exception cref="ReplayFileException">There is no such column, or more than one.</exception>
    public int[] Find(string list, string name) =>
        TryOne(list) is { } one ? [one] : [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(item => One(item, name, list))];

    /// <summary>Reads COLUMN=WORD,COLUMN=WORD.</summary>
    /// <exception cref="ReplayFileException">There is no such column, or a word is missing.</exception>
    /// <param name="list">The setting's value; null if it is not set.</param>
    /// <param name="name">The setting's name.</param>
    /// <param name="find">Finds the index for a name, instead of the file's columns; returns null if the name is not known.</param>
    public Dictionary<int, string> Map(string? list, string name, Func<string, int?>? find = null)
    {
        var map = new Dictionary<int, string>();
        foreach (var item in (list ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (item.LastIndexOf('=') is var mark && (mark <= 0 || mark == item.Length - 1))
            {
                throw new ReplayFileException($"{setting(name)} = {list}: must be COLUMN=WORD, for several separated by commas");
            }

            var named = item[..mark].Trim();
            map[find is null ? One(named, name, list!) : find(named) ?? throw new ReplayFileException($"{setting(name)} = {list}: the file has no sensor {named}: give its name as it stands in the rows")] = item[(mark + 1)..].Trim();
        }

        return map;
    }

    private int One(string item, string name, string list) => TryOne(item) ?? throw new ReplayFileException(
        $"{setting(name)} = {list}: there is no column {item}; {(shape.HeaderLine is null ? Format.Text($"numbers from 1 to {shape.FieldCount} are allowed, the file has no header") : $"must be one of {string.Join(", ", shape.Names.Take(MostNamed))}{(shape.Names.Length > MostNamed ? ", …" : "")}, or numbers from 1 on")}");

    private int? TryOne(string item)
    {
        foreach (var comparison in (StringComparison[])[StringComparison.Ordinal, StringComparison.OrdinalIgnoreCase])
        {
            if (Array.FindIndex(shape.Names, name => name.Equals(item, comparison)) is >= 0 and var index)
            {
                return index;
            }
        }

        if (Array.FindIndex(shape.Measured, name => name.Equals(item, StringComparison.OrdinalIgnoreCase)) is >= 0 and var bare)
        {
            return bare;
        }

        return int.TryParse(item, out var number) && number >= 1 && number <= shape.FieldCount ? number - 1 : null;
    }
}
