namespace FactoryMonitoring.Contracts;

/// <summary>Time zones by the abbreviations that devices and files write after a time.</summary>
public static class ZoneNames
{
    /// <summary>The names of RFC 5322 and those of Europe; minutes east of UTC.</summary>
    private static readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Minutes = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase)
    {
        ["Z"] = 0, ["UTC"] = 0, ["GMT"] = 0, ["UT"] = 0, ["EST"] = -300, ["EDT"] = -240, ["CST"] = -360, ["CDT"] = -300, ["MST"] = -420, ["MDT"] = -360, ["PST"] = -480, ["PDT"] = -420,
        ["CET"] = 60, ["CEST"] = 120, ["MEZ"] = 60, ["MESZ"] = 120, ["WET"] = 0, ["WEST"] = 60, ["EET"] = 120, ["EEST"] = 180,
    }.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <param name="name">In any case.</param>
    /// <param name="minutes">East of UTC.</param>
    public static bool TryGetMinutes(ReadOnlySpan<char> name, out int minutes) => Minutes.TryGetValue(name, out minutes);
}
