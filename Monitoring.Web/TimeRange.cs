using System.Globalization;
using FactoryMonitoring.Contracts;
using Microsoft.AspNetCore.WebUtilities;

namespace FactoryMonitoring.Monitoring.Web;

/// <summary>
/// The time range that all pages share, from the address: <c>window</c> for one that ends now, or <c>from</c> and <c>to</c>. Without either, each part of a page
/// shows its usual recent time.
/// </summary>
/// <param name="Window">A length of time as in the address: 5m, 2h, 7d. A beginning or an end takes its place, and the way back from there leads to it.</param>
/// <param name="To">Null for a range that ends now.</param>
public sealed record TimeRange(string? Window, DateTimeOffset? From, DateTimeOffset? To)
{
    public const string Name = "window";

    /// <summary>No range in the address.</summary>
    public static readonly TimeRange Recent = new(null, null, null);

    /// <summary>The ranges that the control offers.</summary>
    public static readonly (string Value, string Words)[] Choices =
        [("5m", "5 min"), ("15m", "15 min"), ("1h", "1 h"), ("2h", "2 h"), ("24h", "24 h"), ("7d", "7 d")];

    private static readonly string[] Parameters = [Name, "from", "to"];

    /// <summary>Whether the address has a range.</summary>
    public bool IsChosen => Window is not null || IsPart;

    /// <summary>Whether it is a part of the past, which does not go on.</summary>
    public bool IsPast => To is not null;

    /// <summary>Whether it begins or ends at a time, and not a length of time ago.</summary>
    public bool IsPart => From is not null || To is not null;

    /// <summary>Reads the range of an address, which anybody can type: what cannot be read counts as absent.</summary>
    public static TimeRange Of(string address)
    {
        var query = QueryHelpers.ParseQuery(new Uri(address).Query);
        var (from, to) = (Query.Time(Text("from")), Query.Time(Text("to")));
        return (from, to) is ({ } begin, { } end) && begin >= end ? Recent
            : new(SpanText.Read(Text(Name)) is { Ticks: > 0 } ? Text(Name) : null, from, to);

        string? Text(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;
    }

    /// <summary>Returns the address of another page with the range of this one.</summary>
    public static string Keep(string path, string address)
    {
        string[] range = [.. new Uri(address).Query.TrimStart('?').Split('&').Where(part => Parameters.Any(name => part.StartsWith($"{name}=", StringComparison.Ordinal)))];
        return range.Length == 0 ? path : $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{string.Join('&', range)}";
    }

    /// <summary>Returns the parameters of an address with the given range in place of the present one, on the first page of a list.</summary>
    /// <param name="window">Null for no range.</param>
    public static IReadOnlyDictionary<string, object?> Choose(string? window) =>
        new Dictionary<string, object?> { [Name] = window, ["from"] = null, ["to"] = null, ["page"] = null };

    /// <summary>Returns the range as parameters of the API.</summary>
    /// <param name="usual">The length if no range is chosen.</param>
    public string Ask(TimeSpan usual) =>
        To is { } to ? $"{Time("from", Between(usual, to).From)}&{Time("to", to)}"
        : From is { } from ? Time("from", from)
        : Window is { } window ? $"{Name}={window}"
        : string.Create(CultureInfo.InvariantCulture, $"{Name}={(int)usual.TotalSeconds}s");

    private static string Time(string name, DateTimeOffset at) => $"{name}={Uri.EscapeDataString(Display.Iso(at))}";

    /// <summary>Returns the ends of the range.</summary>
    /// <param name="usual">The length if no range is chosen, and of a range that has only an end.</param>
    public (DateTimeOffset From, DateTimeOffset To) Between(TimeSpan usual, DateTimeOffset now)
    {
        var to = To ?? now;
        return (From ?? to - (SpanText.Read(Window) ?? usual), to);
    }

    /// <summary>Returns how often what is shown of the range changes visibly.</summary>
    /// <param name="usual">As in <see cref="Between"/>.</param>
    /// <param name="shortest">The interval for a range of minutes.</param>
    public TimeSpan Every(TimeSpan usual, DateTimeOffset now, TimeSpan shortest)
    {
        var (from, to) = Between(usual, now);
        var every = IsPast || to - from > TimeSpan.FromHours(2) ? TimeSpan.FromSeconds(30) : to - from > TimeSpan.FromMinutes(30) ? TimeSpan.FromSeconds(5) : shortest;
        return every > shortest ? every : shortest;
    }

    /// <summary>Returns the length of a range that ends now in words: 15 min.</summary>
    /// <param name="usual">As in <see cref="Between"/>.</param>
    public string Words(TimeSpan usual) => Choices.FirstOrDefault(choice => choice.Value == Window).Words
        ?? Display.Duration(SpanText.Read(Window) ?? usual);
}
