using System.Globalization;

namespace FactoryMonitoring.Replay;

/// <summary>Formats values for messages and the preview.</summary>
internal static class Format
{
    private const int LongestValue = 60;

    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Plural(long count, string one) => $"{Count(count)} {one}{(count == 1 ? "" : "s")}";

    public static string Number(double value) => value.ToString(Math.Abs(value) is >= 100_000 and < 1e15 ? "0.##" : "G6", CultureInfo.InvariantCulture);

    /// <summary>Returns a text of the file in quotes, on one line.</summary>
    public static string Quoted(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > LongestValue ? $"\"{line[..LongestValue]}…\"" : $"\"{line}\"";
    }

    /// <summary>Returns a text as a shell needs it, in quotes if it has other characters than those of words.</summary>
    public static string Shell(string text) => text.All(each => char.IsLetterOrDigit(each) || each is '_' or '-' or '.' or ',' or ':' or '/' or '%' or '+' or '@') ? text : $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    public static string Duration(TimeSpan time) => time switch
    {
        { TotalDays: >= 2 } => Text($"{(int)time.TotalDays} days {time.Hours} h"),
        { TotalHours: >= 1 } => Text($"{(int)time.TotalHours} h {time.Minutes} min"),
        { TotalMinutes: >= 1 } => Text($"{time.Minutes} min {time.Seconds} s"),
        { TotalSeconds: >= 10 } => Text($"{time.TotalSeconds:0} s"),
        _ => Text($"{time.TotalSeconds:0.###} s"),
    };

    public static string Time(DateTime time) => time.ToString(time.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-dd HH:mm:ss" : "yyyy-MM-dd HH:mm:ss.FFFFFF", CultureInfo.InvariantCulture);

    public static string Bytes(long bytes) => bytes switch
    {
        >= 1_000_000_000 => Text($"{bytes / 1e9:0.0} GB"),
        >= 1_000_000 => Text($"{bytes / 1e6:0.0} MB"),
        >= 1_000 => Text($"{bytes / 1e3:0} kB"),
        _ => Text($"{bytes} bytes"),
    };
}
