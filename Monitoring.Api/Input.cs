using System.Globalization;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Monitoring;
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

        return window is null ? absent
            : SpanText.Read(window) is { } length && length >= shortest && length <= longest ? length
            : Bad("window", $"must be a number with s, m, h or d, from {Text(shortest)} to {Text(longest)}", absent);
    }

    /// <summary>Reads a range of time: a length until now, as <see cref="Window"/> does, or from= and to=.</summary>
    /// <param name="absent">The length if nothing is given, and of a range that has only an end.</param>
    /// <param name="now">The end of a range that has only a beginning.</param>
    public StoredRange Range(string? minutes, string? window, string? from, string? to, TimeSpan absent, DateTimeOffset now)
    {
        var (begin, end) = (Time("from", from), Time("to", to));
        var length = Window(minutes, window, absent, StoredRange.Shortest, StoredRange.Longest);
        if (from is null && to is null)
        {
            return new(length);
        }

        if (window is not null || minutes is not null)
        {
            Bad("window", "must be window, or from and to, not both", false);
        }

        var until = end ?? now;
        var since = begin ?? until - absent;
        if (since >= until)
        {
            Bad("from", "must be a time before to", false);
        }
        else if (until - since > StoredRange.Longest)
        {
            Bad("from", $"must be at most {Text(StoredRange.Longest)} before to", false);
        }

        // A range that goes on has the length of whole minutes, so that requests share one query.
        return new(end is null ? TimeSpan.FromMinutes(Math.Ceiling((until - since).TotalMinutes)) : until - since, since, end);
    }

    private static string Text(TimeSpan span) => span switch
    {
        { TotalDays: >= 1 } => $"{span.TotalDays}d",
        { TotalHours: >= 1 } => $"{span.TotalHours}h",
        { TotalMinutes: >= 1 } => $"{span.TotalMinutes}m",
        _ => $"{span.TotalSeconds}s",
    };

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
