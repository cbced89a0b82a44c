using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Benchmarks;

/// <summary>
/// The cost of reading a message: one of the factory's own sensors, alone and mixed with foreign ones that need the second reader; and foreign ones alone. No
/// brokers, no database.
/// </summary>
internal static class MessageRuns
{
    private const int Messages = 60_000;
    private const int Passes = 10;

    public static void Run(Figures figures)
    {
        using var load = new Load(1);
        var own = Enumerable.Range(0, Messages).Select(_ => load.Next()).Select(message => (message.Key, message.Value)).ToArray();
        // The same readings with other names and a numeric time, as a device can send them.
        var foreign = own.Select(message => (message.Key, Value: Renamed(message.Value))).ToArray();
        var mixed = own.Select((message, i) => i % 100 == 0 ? foreign[i] : message).ToArray();
        var (tokens, strict, among, second) = (Tokens(own), Read(own), Read(mixed), Read(foreign));
        figures.Add("messages.tokens.ns", tokens);
        figures.Add("messages.own.ns", strict);
        figures.Add("messages.own.ratio", tokens / strict);
        figures.Add("messages.one_in_100_foreign.ns", among);
        figures.Add("messages.foreign.ns", second);
        figures.Add("messages.foreign.ratio", tokens / second);
    }

    /// <returns>Nanoseconds per message in the fastest pass; each pass reads all messages.</returns>
    private static double Read((byte[] Key, byte[] Value)[] messages)
    {
        var keys = new KeyMemory();
        var parser = new ReadingParser(new SensorDirectory(1_000), keys, new DialectReader(new MessagesOptions()));
        return Fastest(messages, message =>
        {
            keys.Deserialize(message.Key, isNull: false, SerializationContext.Empty);
            if (parser.Parse(message.Value) != Rejection.None)
            {
                throw new InvalidOperationException(parser.Detail);
            }
        });
    }

    /// <summary>Measures the ceiling: .NET's own reader iterates over the tokens of each message and does nothing with them.</summary>
    private static double Tokens((byte[] Key, byte[] Value)[] messages) => Fastest(messages, message =>
    {
        var json = new Utf8JsonReader(message.Value);
        while (json.Read())
        {
        }
    });

    private static double Fastest((byte[] Key, byte[] Value)[] messages, Action<(byte[] Key, byte[] Value)> read)
    {
        var fastest = double.MaxValue;
        for (var pass = 0; pass < Passes; pass++)
        {
            var start = Stopwatch.GetTimestamp();
            foreach (var message in messages)
            {
                read(message);
            }

            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalNanoseconds / messages.Length);
        }

        return fastest;
    }

    private static byte[] Renamed(byte[] message)
    {
        using var reading = JsonDocument.Parse(message);
        var root = reading.RootElement;
        return Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new
        {
            ts = new DateTimeOffset(root.GetProperty("timestamp").GetDateTime()).ToUnixTimeMilliseconds(),
            device = root.GetProperty("sensor_id").GetString(),
            sensorType = root.GetProperty("sensor_type").GetString(),
            val = root.GetProperty("value").GetDouble(),
            uom = root.GetProperty("unit").GetString(),
        }));
    }
}
