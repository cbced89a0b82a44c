using Confluent.Kafka;

namespace FactoryMonitoring.Sensors.Publishing;

/// <summary>librdkafka's own lines: it repeats them while a broker is away, which <see cref="ProducerCondition"/> says once.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(LogLevel.Debug, "{Facility}: {Text}")]
    private static partial void Write(ILogger logger, string facility, string text);

    public static void Write(ILogger logger, LogMessage message) => Write(logger, message.Facility, message.Message);
}
