using System.Globalization;

namespace FactoryMonitoring.Contracts;

/// <summary>Lengths of time as they are in addresses: 300s, 5m, 2h, 7d.</summary>
public static class SpanText
{
    private const int Most = 10_000_000;

    /// <returns>Null if the text is no length, or its number is above 10,000,000.</returns>
    public static TimeSpan? Read(string? text) =>
        text is { Length: > 1 } && Unit(text[^1]) is { } unit
        && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= Most
            ? unit * number : null;

    private static TimeSpan? Unit(char letter) => letter switch
    {
        's' => TimeSpan.FromSeconds(1),
        'm' => TimeSpan.FromMinutes(1),
        'h' => TimeSpan.FromHours(1),
        'd' => TimeSpan.FromDays(1),
        _ => null,
    };
}
