using System.Globalization;
using Confluent.Kafka;

namespace FactoryMonitoring.Benchmarks;

/// <summary>What is measured and how often, from arguments NAME=VALUE.</summary>
/// <param name="Readings">Readings in the preloaded topic.</param>
/// <param name="LatencySeconds">Seconds per rate.</param>
/// <param name="ApiSeconds">Seconds per endpoint.</param>
/// <param name="MemorySeconds">How long all services run before their memory is read, in seconds.</param>
/// <param name="Against">A commit whose consumers drain the same topic, alternating with the current ones; null for none.</param>
/// <param name="Compression">Compression of the preloaded topic.</param>
/// <param name="Only">Parts to run: start, ceilings, ingest, latency, memory, sensors, large, groups, api, pages, nab, messages.</param>
internal sealed record BenchSettings(
    int Readings, int Runs, int[] Replicas, int[] Rates, int LatencySeconds, int MemorySeconds, int StoredSmall, int StoredLarge, int ApiSeconds, int Sensors, int Large, int Partitions, int Connections, string? Against, CompressionType Compression, string[] Only)
{
    private static readonly string[] Parts = ["start", "ceilings", "ingest", "latency", "memory", "sensors", "large", "groups", "api", "pages", "nab", "messages"];

    private static readonly string[] OnlyWhereNamed = ["start", "large", "groups", "pages", "nab", "messages"];

    public const string Usage = """
        make bench ARGS="NAME=VALUE …"
          only=start,ceilings,ingest,latency,memory,sensors,large,groups,api,pages,nab,messages  what is measured; start, large, groups, pages, nab and messages only where they are named
          runs=3            how often, 1 to 100
          readings=2000000  in the preloaded topic
          replicas=1,2,3    numbers of consumers that drain it
          rates=100,1000,5000  readings/s at which latency is measured
          latency=20        seconds at each rate
          memory=60         seconds that all services run before their memory is read
          small=10000 large=10000000  readings stored when the API is measured
          api=3             seconds for each endpoint
          sensors=1000000   that send one reading each
          messages=20000    of 1 MB each that are no readings, sent among readings
          partitions=900    that the ten consumers of a large group share
          connections=64    to the API
          compression=lz4   of the preloaded topic: none, lz4, zstd, gzip, snappy; lz4 is what the sensors use
          against=COMMIT    whose consumers drain the same topic in turns with the present ones
        """;

    /// <exception cref="FormatException">An argument is invalid.</exception>
    public static BenchSettings Parse(string[] arguments)
    {
        var settings = new BenchSettings(2_000_000, 3, [1, 2, 3], [100, 1_000, 5_000], 20, 60, 10_000, 10_000_000, 3, 1_000_000, 20_000, 900, 64, null, CompressionType.Lz4, [.. Parts.Except(OnlyWhereNamed)]);
        foreach (var argument in arguments)
        {
            var (name, value) = argument.Split('=', 2) is [var key, var text] ? (key, text) : throw new FormatException($"{argument}: must be NAME=VALUE");
            settings = name switch
            {
                "readings" => settings with { Readings = Number(argument, value, 1_000, 100_000_000) },
                "runs" => settings with { Runs = Number(argument, value, 1, 100) },
                "replicas" => settings with { Replicas = [.. value.Split(',').Select(each => Number(argument, each, 1, 6))] },
                "rates" => settings with { Rates = [.. value.Split(',').Select(each => Number(argument, each, 1, 100_000))] },
                "latency" => settings with { LatencySeconds = Number(argument, value, 1, 3_600) },
                "memory" => settings with { MemorySeconds = Number(argument, value, 1, 3_600) },
                "small" => settings with { StoredSmall = Number(argument, value, 1, 1_000_000_000) },
                "large" => settings with { StoredLarge = Number(argument, value, 1, 1_000_000_000) },
                "api" => settings with { ApiSeconds = Number(argument, value, 1, 3_600) },
                "sensors" => settings with { Sensors = Number(argument, value, 1_000, 100_000_000) },
                "messages" => settings with { Large = Number(argument, value, 1, 1_000_000) },
                "partitions" => settings with { Partitions = Number(argument, value, 10, 10_000) },
                "connections" => settings with { Connections = Number(argument, value, 1, 1_000) },
                "against" => settings with { Against = value },
                "compression" => settings with
                {
                    Compression = Enum.TryParse<CompressionType>(value, ignoreCase: true, out var type) ? type : throw new FormatException($"{argument}: must be one of none, lz4, zstd, gzip, snappy"),
                },
                "only" => settings with { Only = [.. value.Split(',').Select(part => Parts.Contains(part, StringComparer.Ordinal)
                    ? part
                    : throw new FormatException($"{argument}: must be one of {string.Join(", ", Parts)}"))] },
                _ => throw new FormatException($"{argument}: must be one of readings, runs, replicas, rates, latency, memory, small, large, api, sensors, messages, partitions, connections, against, compression, only"),
            };
        }

        return settings.StoredSmall < settings.StoredLarge ? settings : throw new FormatException("small: must be less than large");
    }

    /// <summary>Whether any part needs brokers and a database.</summary>
    public bool NeedsServers => Only.Any(part => part is not ("nab" or "messages"));

    /// <summary>Whether any part needs the brokers and the database that the benchmark starts.</summary>
    public bool NeedsBrokers => Only.Any(part => part is not ("nab" or "messages" or "start"));

    public bool Does(string part) => Only.Contains(part, StringComparer.Ordinal);

    private static int Number(string argument, string text, int least, int most) =>
        int.TryParse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{argument}: must be integers between {least} and {most}"));
}
