using System.Globalization;

namespace FactoryMonitoring.Benchmarks;

/// <summary>What is measured and how often, by arguments NAME=VALUE.</summary>
/// <param name="Readings">Of the preloaded topic.</param>
/// <param name="LatencySeconds">Per rate.</param>
/// <param name="ApiSeconds">Per endpoint.</param>
/// <param name="MemorySeconds">How long all services run before their memory is read.</param>
/// <param name="Only">Parts to run: ceilings, ingest, latency, api, memory.</param>
internal sealed record BenchSettings(
    int Readings, int Runs, int[] Replicas, int[] Rates, int LatencySeconds, int MemorySeconds, int StoredSmall, int StoredLarge, int ApiSeconds, int Connections, string[] Only)
{
    /// <exception cref="FormatException">An argument is not understood.</exception>
    public static BenchSettings Parse(string[] arguments)
    {
        var settings = new BenchSettings(2_000_000, 3, [1, 2, 3], [100, 1_000, 5_000], 20, 60, 10_000, 10_000_000, 3, 64, ["ceilings", "ingest", "latency", "memory", "api"]);
        foreach (var argument in arguments)
        {
            var (name, value) = argument.Split('=', 2) is [var key, var text] ? (key, text) : throw new FormatException($"{argument}: allowed is NAME=VALUE");
            settings = name switch
            {
                "readings" => settings with { Readings = Number(value) },
                "runs" => settings with { Runs = Number(value) },
                "replicas" => settings with { Replicas = [.. value.Split(',').Select(Number)] },
                "rates" => settings with { Rates = [.. value.Split(',').Select(Number)] },
                "latency" => settings with { LatencySeconds = Number(value) },
                "memory" => settings with { MemorySeconds = Number(value) },
                "small" => settings with { StoredSmall = Number(value) },
                "large" => settings with { StoredLarge = Number(value) },
                "api" => settings with { ApiSeconds = Number(value) },
                "connections" => settings with { Connections = Number(value) },
                "only" => settings with { Only = value.Split(',') },
                _ => throw new FormatException($"{argument}: allowed are readings, runs, replicas, rates, latency, memory, small, large, api, connections, only"),
            };
        }

        return settings;
    }

    public bool Does(string part) => Only.Contains(part, StringComparer.Ordinal);

    private static int Number(string text) => int.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
}
