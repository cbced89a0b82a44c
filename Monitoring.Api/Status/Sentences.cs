using System.Globalization;

namespace FactoryMonitoring.Monitoring.Api.Status;

/// <summary>Formats numbers and names for sentences.</summary>
internal static class Sentences
{
    /// <summary>7 s, 3 min, 2 h 5 min.</summary>
    public static string Lasting(TimeSpan span) => span switch
    {
        { TotalSeconds: < 0 } => "0 s",
        { TotalSeconds: < 60 } => $"{(int)span.TotalSeconds} s",
        { TotalMinutes: < 60 } => $"{(int)span.TotalMinutes} min",
        _ => span.Minutes == 0 ? $"{(int)span.TotalHours} h" : $"{(int)span.TotalHours} h {span.Minutes} min",
    };

    /// <summary>1.1 s, 143 s.</summary>
    public static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.#} s");

    /// <summary>a; a and b; a, b and c.</summary>
    public static string List<T>(IReadOnlyList<T> items) => items.Count switch
    {
        0 => "",
        1 => $"{items[0]}",
        _ => $"{string.Join(", ", items.Take(items.Count - 1))} and {items[^1]}",
    };

    /// <summary>partition 1; partitions 1 and 4.</summary>
    public static string Partitions(IReadOnlyList<int> partitions) => $"partition{(partitions.Count == 1 ? "" : "s")} {List(partitions)}";

    /// <summary>1,234.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>1 reading; 1,234 readings.</summary>
    public static string Readings(long count) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} reading{(count == 1 ? "" : "s")}");

    /// <summary>1 message; 1,234 messages. Offsets count messages, and a message may hold several readings.</summary>
    public static string Messages(long count) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} message{(count == 1 ? "" : "s")}");

    public static string Capital(string sentence) => sentence.Length == 0 ? sentence : char.ToUpperInvariant(sentence[0]) + sentence[1..];
}
