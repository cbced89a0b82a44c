using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.Contracts;
using Microsoft.AspNetCore.Http;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Sends a single reading by hand to the topic of readings. It carries no reading_count, so it does not belong to any sensor's account.</summary>
internal sealed class ReadingSender(KafkaClusterResource cluster, KafkaNames names, TimeProvider time)
{
    private const int MaxId = 255;
    private const int MaxType = 100;
    private const int MaxUnit = 32;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Builds the message that a command asks for.</summary>
    /// <returns>The message, or one line that says what is wrong with the command.</returns>
    public static (SensorReadingMessage? Message, string? Problem) Message(SendCommand command, DateTimeOffset now)
    {
        var known = SensorCatalog.Types.GetValueOrDefault(command.SensorType);
        var problem = Wrong("sensor_id (SENSOR)", command.SensorId, MaxId) ?? Wrong("sensor_type (TYPE)", command.SensorType, MaxType)
            ?? (command.Unit is { } given ? Wrong("unit (UNIT)", given, MaxUnit) : null)
            ?? (double.IsFinite(command.Value) ? null : string.Create(CultureInfo.InvariantCulture, $"value (VALUE) = {command.Value}: must be a finite number"))
            ?? (command.Unit is null && known is null
                ? $"unit (UNIT) is missing: {command.SensorType} has none of its own, as {string.Join(", ", SensorCatalog.Types.Keys.Order(StringComparer.Ordinal))} have"
                : null);
        return problem is null
            ? (new SensorReadingMessage(now, command.SensorId, command.SensorType, null, command.Value, command.Unit ?? known!.Unit, null, null, null), null)
            : (null, problem);
    }

    /// <summary>Sends the message and returns when the brokers have acknowledged it or the delivery has failed.</summary>
    /// <returns>The HTTP status of the outcome, and the answer as text.</returns>
    public async Task<(int Status, CommandAnswer Answer)> SendAsync(SendCommand command, CancellationToken cancellationToken)
    {
        var at = time.GetUtcNow();
        if (Message(command, at) is var (message, problem) && message is null) return (StatusCodes.Status400BadRequest, new(problem!));
        var config = cluster.Configure(new ProducerConfig
        {
            ClientId = "make-send", Acks = Acks.All, EnableIdempotence = true, MaxInFlight = 1, LingerMs = 0,
            MessageTimeoutMs = (int)Patience.TotalMilliseconds,
        });
        using var producer = new ProducerBuilder<string, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        try
        {
            var value = JsonSerializer.SerializeToUtf8Bytes(message, MessageJsonContext.Default.SensorReadingMessage);
            var sent = await producer.ProduceAsync(names.SensorTopic, new Message<string, byte[]> { Key = message.SensorId, Value = value }, cancellationToken);
            return (StatusCodes.Status200OK, new(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{message.SensorId}: {message.Value} {message.Unit} is in {names.SensorTopic}, partition {sent.Partition.Value}, offset {sent.Offset.Value}"),
                at,
                Acknowledged: 1));
        }
        catch (ProduceException<string, byte[]> exception)
        {
            return (StatusCodes.Status409Conflict, new(string.Create(
                CultureInfo.InvariantCulture,
                $"{message.SensorId}: {names.SensorTopic} did not take the reading within {Patience.TotalSeconds:F0} s: {exception.Error.Reason}; make status says which brokers run"),
                at,
                Acknowledged: 0));
        }
    }

    private static string? Wrong(string name, string value, int most) => value.Length == 0
        ? $"{name} is empty: must have 1 to {most.ToString(CultureInfo.InvariantCulture)} characters"
        : value.Length > most || value.Contains('\0', StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"{name} has {value.Length} characters: must have 1 to {most}, none of them NUL")
            : null;
}
