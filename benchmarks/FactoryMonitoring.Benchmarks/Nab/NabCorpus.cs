using System.Globalization;
using System.Text.Json;

namespace FactoryMonitoring.Benchmarks.Nab;

/// <summary>A recording of the Numenta Anomaly Benchmark.</summary>
/// <param name="Name">Folder and file.</param>
/// <param name="Times">In UTC, one for each value.</param>
/// <param name="Windows">First and last row of each window in the labels.</param>
internal sealed record NabFile(string Name, DateTime[] Times, double[] Values, (int First, int Last)[] Windows);

/// <summary>NAB's files, as many as a folder contains.</summary>
internal static class NabCorpus
{
    /// <summary>The environment variable with the folder.</summary>
    public const string Variable = "FACTORY_NAB";

    /// <summary>The machine whose third failure is visible two days earlier.</summary>
    public const string Machine = "realKnownCause/machine_temperature_system_failure.csv";

    /// <returns>The files that windows.json of the folder lists (NAB's labels/combined_windows.json, or a part of it), by name.</returns>
    /// <exception cref="InvalidOperationException">There is no such folder.</exception>
    public static IReadOnlyList<NabFile> Read() => Read(Environment.GetEnvironmentVariable(Variable));

    /// <inheritdoc cref="Read()"/>
    public static IReadOnlyList<NabFile> Read(string? folder)
    {
        if (string.IsNullOrEmpty(folder) || !File.Exists(Path.Combine(folder, "windows.json")))
        {
            throw new InvalidOperationException($"{Variable} = {folder}: must be a folder with files of the Numenta Anomaly Benchmark and their windows.json");
        }

        using var windows = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "windows.json")));
        return [.. windows.RootElement.EnumerateObject().Select(file => Read(folder, file)).OrderBy(file => file.Name, StringComparer.Ordinal)];
    }

    private static NabFile Read(string folder, JsonProperty file)
    {
        var rows = File.ReadLines(Path.Combine(folder, file.Name)).Skip(1).Select(line => line.Split(',')).ToList();
        var times = rows.Select(row => Time(row[0])).ToArray();
        return new(
            file.Name,
            times,
            [.. rows.Select(row => double.Parse(row[1], CultureInfo.InvariantCulture))],
            [.. file.Value.EnumerateArray().Select(window => (
                Array.FindIndex(times, time => time >= Time(window[0].GetString()!)),
                Array.FindLastIndex(times, time => time <= Time(window[1].GetString()!))))]);
    }

    private static DateTime Time(string text) =>
        DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
}
