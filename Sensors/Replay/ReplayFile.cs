using System.Globalization;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>A line of the file.</summary>
/// <param name="Text">The time as it stands there.</param>
internal readonly record struct RecordedValue(DateTime At, string Text, double Value);

/// <summary>A CSV of timestamp,value, with or without a header.</summary>
internal static class ReplayFile
{
    /// <exception cref="FormatException">It cannot be read, or a line of it is malformed; the message says which.</exception>
    public static IReadOnlyList<RecordedValue> Read(string path)
    {
        try
        {
            return Parse(File.ReadLines(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"cannot be read: {exception.Message}", exception);
        }
    }

    /// <exception cref="FormatException">A line is malformed, or there is no value at all.</exception>
    public static IReadOnlyList<RecordedValue> Parse(IEnumerable<string> lines)
    {
        var values = new List<RecordedValue>();
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            if (string.IsNullOrWhiteSpace(line) || (number == 1 && IsHeader(line)))
            {
                continue;
            }

            values.Add(ParseLine(line, number));
        }

        return values.Count > 0 ? values : throw new FormatException("holds no line timestamp,value");
    }

    private static bool IsHeader(string line) => line.Split(',') is [_, var value] && !double.TryParse(value, CultureInfo.InvariantCulture, out _);

    private static RecordedValue ParseLine(string line, int number)
    {
        if (line.Split(',') is not [var time, var value])
        {
            throw new FormatException($"line {number} is not timestamp,value: {line}");
        }

        if (!DateTime.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at))
        {
            throw new FormatException($"line {number} begins with no time (allowed is yyyy-MM-dd HH:mm:ss or ISO 8601): {line}");
        }

        return double.TryParse(value, CultureInfo.InvariantCulture, out var parsed) && double.IsFinite(parsed)
            ? new RecordedValue(at, time.Trim(), parsed)
            : throw new FormatException($"line {number} ends with no number: {line}");
    }
}
