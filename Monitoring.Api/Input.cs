using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FactoryMonitoring.Monitoring.Api;

/// <summary>Reads the parameters of a request; all errors become one 400 response that says what is allowed.</summary>
internal sealed class Input
{
    private readonly Dictionary<string, string[]> _errors = [];

    public bool IsBad => _errors.Count > 0;

    public ValidationProblem Problem => TypedResults.ValidationProblem(_errors, "The request has invalid parameters: see errors.");

    public int Integer(string name, string? value, int absent, int minimum, int maximum) =>
        value is null ? absent
        : int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum ? number
        : Bad(name, $"must be an integer between {minimum} and {maximum}", absent);

    /// <summary>Reads a length of time, given as a number of minutes or as 300s, 5m, 2h, 7d.</summary>
    public TimeSpan Window(string? minutes, string? window, TimeSpan absent, TimeSpan shortest, TimeSpan longest)
    {
        if (minutes is not null)
        {
            return TimeSpan.FromMinutes(Integer("minutes", minutes, (int)absent.TotalMinutes, (int)shortest.TotalMinutes, (int)longest.TotalMinutes));
        }

        if (window is null)
        {
            return absent;
        }

        var unit = window.Length < 2 ? (TimeSpan?)null : window[^1] switch
        {
            's' => TimeSpan.FromSeconds(1),
            'm' => TimeSpan.FromMinutes(1),
            'h' => TimeSpan.FromHours(1),
            'd' => TimeSpan.FromDays(1),
            _ => null,
        };
        return unit is { } one && int.TryParse(window.AsSpan(0, window.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && one * number >= shortest && one * number <= longest
            ? one * number
            : Bad("window", $"must be a number with s, m, h or d, from {Text(shortest)} to {Text(longest)}", absent);

        static string Text(TimeSpan span) => span switch
        {
            { TotalDays: >= 1 } => $"{span.TotalDays}d",
            { TotalHours: >= 1 } => $"{span.TotalHours}h",
            { TotalMinutes: >= 1 } => $"{span.TotalMinutes}m",
            _ => $"{span.TotalSeconds}s",
        };
    }

    public string? OneOf(string name, string? value, params string[] allowed) =>
        value is null || allowed.Contains(value, StringComparer.Ordinal) ? value
        : Bad<string?>(name, $"must be one of {string.Join(", ", allowed)}", null);

    public DateTimeOffset? Time(string name, string? value) =>
        value is null ? null
        : DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time
        : Bad<DateTimeOffset?>(name, "must be a time in ISO 8601, for example 2025-09-16T21:41:41Z", null);

    public bool? Flag(string name, string? value) =>
        value is null ? null
        : bool.TryParse(value, out var flag) ? flag
        : Bad<bool?>(name, "must be true or false", null);

    public Guid? Id(string name, string? value) =>
        value is null ? null
        : Guid.TryParse(value, out var id) ? id
        : Bad<Guid?>(name, "must be a UUID", null);

    public string? Text(string name, string? value, int longest = 255) =>
        value is null || (value.Length <= longest && value.Length > 0 && !value.Contains('\0', StringComparison.Ordinal)) ? value
        : Bad<string?>(name, $"must have 1 to {longest} characters", null);

    public T Bad<T>(string name, string allowed, T absent)
    {
        _errors[name] = [allowed];
        return absent;
    }
}
