using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>librdkafka's own lines: it repeats them while a broker is away, which each service says once. Category librdkafka, level debug.</summary>
public static partial class ClientLog
{
    /// <summary>The client's log handler.</summary>
    public static Action<IClient, LogMessage> Handler(IServiceProvider services)
    {
        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("librdkafka");
        return (_, message) => Write(logger, message.Facility, message.Message);
    }

    [LoggerMessage(LogLevel.Debug, "{Facility}: {Text}")]
    private static partial void Write(ILogger logger, string facility, string text);
}
