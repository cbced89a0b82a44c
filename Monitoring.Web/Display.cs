using System.Globalization;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Monitoring.Web;

/// <summary>Formats values in the same way on every page. Narrow and non-breaking spaces keep numbers and units together.</summary>
internal static class Display
{
    private const char Nbsp = '\u00a0';
    internal const string Unknown = "–";
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    public static string Iso(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", Invariant) ?? "";

    /// <summary>1,204,331</summary>
    public static string Count(long? value) => value?.ToString("#,0", Invariant) ?? Unknown;

    /// <summary>1.20 M: three significant digits, for values that are read from a distance of 3 m.</summary>
    public static string Short(long value) => value switch
    {
        < 1_000_000 => Count(value),
        < 1_000_000_000 => Scaled(value / 1e6, "M"),
        _ => Scaled(value / 1e9, "G"),
    };

    /// <summary>Formats a rate without its unit, which is shown beside it.</summary>
    public static string Rate(double? perSecond) => perSecond switch
    {
        null => Unknown,
        < 1000 => perSecond.Value.ToString("0.0", Invariant),
        _ => perSecond.Value.ToString("#,0", Invariant),
    };

    public static string Milliseconds(double? value) => value switch
    {
        null => Unknown,
        < 1 => value.Value.ToString("0.0", Invariant),
        < 10 => value.Value.ToString("0.#", Invariant),
        _ => value.Value.ToString("#,0", Invariant),
    };

    /// <summary>Formats a duration with its unit, with a precision that depends on its length.</summary>
    public static string Duration(TimeSpan? span) => span switch
    {
        null => Unknown,
        { TotalMilliseconds: < 1000 } s => $"{s.TotalMilliseconds.ToString("0", Invariant)}{Nbsp}ms",
        { TotalSeconds: < 60 } s => $"{s.TotalSeconds.ToString("0.0", Invariant)}{Nbsp}s",
        { TotalMinutes: < 60, Seconds: 0 } s => $"{s.Minutes}{Nbsp}min",
        { TotalMinutes: < 60 } s => $"{s.Minutes}{Nbsp}min {s.Seconds}{Nbsp}s",
        { TotalHours: < 48, Minutes: 0 } s => $"{(int)s.TotalHours}{Nbsp}h",
        { TotalHours: < 48 } s => $"{(int)s.TotalHours}{Nbsp}h {s.Minutes}{Nbsp}min",
        { Hours: 0 } s => $"{(int)s.TotalDays}{Nbsp}d",
        { } s => $"{(int)s.TotalDays}{Nbsp}d {s.Hours}{Nbsp}h",
    };

    public static string Seconds(double? seconds) => Duration(seconds is { } known ? TimeSpan.FromSeconds(known) : null);

    public static string DurationMs(int? ms) => Duration(ms is { } known ? TimeSpan.FromMilliseconds(known) : null);

    /// <summary>+6.4 s: the time since the start of an event.</summary>
    public static string After(int ms) => $"+{(ms / 1000.0).ToString("0.0", Invariant)}{Nbsp}s";

    /// <summary>Formats a measured value with its unit, with a precision that depends on its magnitude.</summary>
    public static string Value(double? value, string? unit)
    {
        if (value is not { } known) return Unknown;
        return WithUnit(
            Math.Abs(known) switch
            {
                >= 1e9 or < 1 => NumberText.Of(known),
                >= 1000 => known.ToString("#,0", Invariant),
                >= 100 => known.ToString("0", Invariant),
                >= 10 => known.ToString("0.0", Invariant),
                _ => known.ToString("0.00", Invariant),
            },
            unit);
    }

    /// <summary>Formats a threshold with its unit, with all its digits.</summary>
    public static string Limit(double? value, string? unit) => value is { } known
        ? WithUnit(Math.Abs(known) is < 1e-6 or >= 1e9 ? NumberText.Of(known) : known.ToString("#,0.##########", Invariant), unit)
        : Unknown;

    /// <summary>Formats a tick of an axis, with its unit.</summary>
    /// <param name="step">The distance to the next tick.</param>
    public static string Tick(double value, double step, string? unit) => WithUnit(NumberText.InSteps(value, step), unit);

    /// <summary>1.20 MB: three significant digits, in powers of 1000.</summary>
    public static string Bytes(long? bytes) => bytes switch
    {
        null => Unknown,
        < 1000 => $"{Count(bytes)}{Nbsp}B",
        < 1_000_000 => Scaled(bytes.Value / 1e3, "kB"),
        < 1_000_000_000 => Scaled(bytes.Value / 1e6, "MB"),
        < 1_000_000_000_000 => Scaled(bytes.Value / 1e9, "GB"),
        _ => Scaled(bytes.Value / 1e12, "TB"),
    };

    public static string Mebibytes(long? bytes) => bytes is { } known ? $"{(known / 1048576.0).ToString("0", Invariant)}{Nbsp}MiB" : Unknown;

    /// <summary>1 reading, 2 readings.</summary>
    public static string Plural(long count, string one, string? many = null) => $"{Count(count)}{Nbsp}{(count == 1 ? one : many ?? one + "s")}";

    /// <summary>Formats a fraction of the width of a picture.</summary>
    public static string Percent(double share) => (share * 100).ToString("0.###", Invariant) + "%";

    public static string Number(double value) => value.ToString("0.###", Invariant);

    private static string WithUnit(string text, string? unit) => string.IsNullOrEmpty(unit) ? text : $"{text}{Nbsp}{unit}";

    private static string Scaled(double value, string unit) =>
        value.ToString(value < 10 ? "0.00" : value < 100 ? "0.0" : "0", Invariant) + Nbsp + unit;
}
