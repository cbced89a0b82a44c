using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Invalid messages on the topic of readings: each must become a dead letter and must not affect any other message.</summary>
internal sealed class PoisonMessages(KafkaClusterResource cluster, KafkaNames names, TimeProvider time)
{
    /// <summary>Larger than a consumer accepts (64 KiB), smaller than a broker refuses (1 MiB).</summary>
    private const int Oversized = 100_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Returns a message of each kind in turn: malformed JSON, empty, oversized, wrongly typed, keyless.</summary>
    public static (string? Key, byte[] Value) Message(int number) => (number % 5) switch
    {
        0 => ("poison", "{\"sensor_id\":\"poison"u8.ToArray()),
        1 => ("poison", []),
        2 => ("poison", Encoding.UTF8.GetBytes($$"""{"padding":"{{new string('x', Oversized)}}"}""")),
        3 => ("poison", """{"timestamp":"2026-01-02T03:04:05Z","sensor_id":"poison","sensor_type":"temperature","value":"hot","unit":"°C"}"""u8.ToArray()),
        _ => (null, """{"note":"no key, and no reading either"}"""u8.ToArray()),
    };

    /// <summary>Produces the messages and returns when each is acknowledged or has failed.</summary>
    public async Task<CommandAnswer> ProduceAsync(int count, CancellationToken cancellationToken)
    {
        var at = time.GetUtcNow();
        var config = cluster.Configure(new ProducerConfig { Acks = Acks.All, EnableIdempotence = true, MaxInFlight = 1, MessageTimeoutMs = (int)Patience.TotalMilliseconds });
        using var producer = new ProducerBuilder<string?, byte[]>(config).SetLogHandler((_, _) => { }).Build();
        var deliveries = Enumerable.Range(0, count).Select(async number =>
        {
            var (key, value) = Message(number);
            try
            {
                await producer.ProduceAsync(names.SensorTopic, new Message<string?, byte[]> { Key = key, Value = value }, cancellationToken);
                return true;
            }
            catch (ProduceException<string?, byte[]>)
            {
                return false; // the count of acknowledged messages shows it
            }
        });
        var acknowledged = (await Task.WhenAll(deliveries)).Count(delivered => delivered);
        return new($"{acknowledged} of {count} malformed messages are in {names.SensorTopic}", at, acknowledged);
    }
}
