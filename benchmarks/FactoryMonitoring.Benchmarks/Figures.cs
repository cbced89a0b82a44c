using System.Globalization;
using System.Text.Json;

namespace FactoryMonitoring.Benchmarks;

/// <summary>The measurements by name: every figure with its runs, median, minimum and maximum.</summary>
internal sealed class Figures
{
    private readonly SortedDictionary<string, List<double>> _runs = new(StringComparer.Ordinal);

    public void Add(string name, double value)
    {
        if (!_runs.TryGetValue(name, out var values))
        {
            _runs[name] = values = [];
        }

        values.Add(value);
    }

    public double? Median(string name) => _runs.TryGetValue(name, out var values) ? Median(values) : null;

    public void Print(TextWriter output)
    {
        output.WriteLine();
        output.WriteLine($"{"figure",-42} {"median",14} {"least",14} {"most",14} {"runs",5}");
        foreach (var (name, values) in _runs)
        {
            output.WriteLine($"{name,-42} {Text(Median(values)),14} {Text(values.Min()),14} {Text(values.Max()),14} {values.Count,5}");
        }
    }

    /// <summary>Writes one flat object: the median under the name itself.</summary>
    public async Task WriteAsync(string path, IReadOnlyDictionary<string, string> facts)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using var file = File.Create(path);
        await using var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        foreach (var (name, value) in facts)
        {
            json.WriteString(name, value);
        }

        foreach (var (name, values) in _runs)
        {
            json.WriteNumber(name, Math.Round(Median(values), 4));
            json.WriteNumber($"{name}.min", Math.Round(values.Min(), 4));
            json.WriteNumber($"{name}.max", Math.Round(values.Max(), 4));
            json.WriteNumber($"{name}.runs", values.Count);
        }

        json.WriteEndObject();
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Text(double value) => value.ToString(Math.Abs(value) >= 1_000 ? "#,0" : "0.###", CultureInfo.InvariantCulture);
}
