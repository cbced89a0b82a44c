using System.Collections.Frozen;
using System.Globalization;

namespace FactoryMonitoring.Replay;

/// <summary>The texts and numbers that stand for a missing value.</summary>
internal sealed class MissingMarkers
{
    /// <summary>Numbers that loggers write for a missing value. They count as missing if they are far from a column's other values.</summary>
    private static readonly double[] Numeric =
    [
        -200, -99, -999, -9999, -99999, -999999, -6999, -7999, -8888, -99.9, -99.99, -999.9, -999.99, -9999.9, -9999.99, 999, 9999, 99999, 999999, 9999999, 99.99, 999.9, 999.99, 9999.9, 9999.99,
        // A thermometer without its chip, absolute zero, loggers out of range, the limits of 16 and 32 bits, also in tenths and hundredths.
        -127, -273.15, -273, -459.67, 6999, 7999, 8888, 32767, -32767, -32768, 65535, 65534, 3276.7, -3276.8, 6553.5, 327.67, -327.68, 655.35, 2147483647, -2147483648, 4294967295,
        // Fill values of netCDF, scientific data and databases.
        1e20, -1e20, 1e30, -1e30, 1e31, -1e31, -1e32, 9.969209968386869e36, 9.96921e36, -3.4e38, 3.4e38, 3.4028235e38, -3.4028235e38, 3.4028234663852886e38, -3.4028234663852886e38, 1.7976931348623157e308, -1.7976931348623157e308,
    ];

    /// <summary>Runs of 9, 8 or 7, with up to three decimals: they may stand for a missing value, but only the numbers above are taken for one.</summary>
    private static readonly FrozenSet<double> Runs = Enumerable.Range(2, 6).SelectMany(length => "987".Select(digit => new string(digit, length)))
        .SelectMany(run => Enumerable.Range(0, 4).Select(places => double.Parse(run, CultureInfo.InvariantCulture) / Math.Pow(10, places)))
        .Where(value => value >= LeastRun).SelectMany(value => (double[])[value, -value]).ToFrozenSet();

    private const double LeastRun = 77;

    private static readonly string[] Usual =
    [
        "", "NA", "N/A", "N.A.", "#N/A", "#NA", "<NA>", "NaN", "-NaN", "NaN(ind)", "-1.#IND", "1.#QNAN", "NAN.0", "null", "\\N", "(null)", "nil", "none", "missing", "-", "--", "---", "----", "?", "??",
        ".", "..", "...", "*", "**", "***", "****", "M", "MM", "n.d.", "nd", "inf", "-inf", "+inf", "infinity", "-infinity", "#VALUE!", "#DIV/0!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "no data", "nodata", "n/v",
        "bad", "bad input", "bad data", "no result", "i/o timeout", "invalid", "unavailable", "unknown", "undefined", "–", "—",
    ];

    private readonly FrozenSet<string> _texts;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly FrozenSet<double> _numbers;

    /// <param name="setting">The value of <see cref="ReplayOptions.Missing"/>; null if it is not set.</param>
    public MissingMarkers(string? setting)
    {
        var given = (setting ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        _texts = Usual.Concat(given).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _lookup = _texts.GetAlternateLookup<ReadOnlySpan<char>>();
        IsGiven = setting is { Length: > 0 };
        _numbers = IsGiven
            ? given.Where(each => double.TryParse(each, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
                .Select(each => double.Parse(each, CultureInfo.InvariantCulture)).ToFrozenSet()
            : Numeric.ToFrozenSet();
    }

    /// <summary>Whether the numbers come from the setting; they then count as missing wherever they lie.</summary>
    public bool IsGiven { get; }

    public bool IsText(ReadOnlySpan<char> text) => text.Length == 0 || (text.Length <= 16 && _lookup.Contains(text)) || (IsGiven && _lookup.Contains(text));

    /// <summary>Returns whether a number may stand for a missing value.</summary>
    public bool IsCandidate(double value) => IsGiven ? _numbers.Contains(value) : value is <= -LeastRun or >= LeastRun && (_numbers.Contains(value) || Runs.Contains(value));

    /// <summary>Returns whether a candidate that is kept as a value is far from all other values of its column.</summary>
    public bool IsSuspected(double candidate, double least, double most) =>
        !IsGiven && least <= most && Math.Max(least - candidate, candidate - most) is var gap && gap > 3 * (most - least) && gap > Math.Max(Math.Abs(least), Math.Abs(most)) / 2;

    /// <summary>Returns the candidates in a column that stand for a missing value.</summary>
    /// <param name="candidates">The number of occurrences of each candidate.</param>
    /// <param name="least">The minimum of the other values; greater than <paramref name="most"/> if there are none.</param>
    public FrozenSet<double> Decide(IReadOnlyDictionary<double, long> candidates, double least, double most) =>
        candidates.Where(candidate => IsGiven || (least <= most && _numbers.Contains(candidate.Key) && LiesApart(candidate.Key, candidate.Value, least, most))).Select(candidate => candidate.Key).ToFrozenSet();

    // A low candidate needs only that no other value is negative; a high one may be normal growth, so it needs two occurrences and a wide gap.
    private static bool LiesApart(double value, long count, double least, double most) =>
        value < 0 ? value < least && (least >= 0 || least - value > most - least) : value > most && count > 1 && value - most > most - least;
}
