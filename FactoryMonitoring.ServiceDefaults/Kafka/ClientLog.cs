using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Logs the lines of librdkafka, which repeats them while a broker is unavailable; each service logs that once. Category librdkafka, level Debug.
/// </summary>
public static partial class ClientLog
{
    /// <summary>Returns the log handler of a client.</summary>
    public static Action<IClient, LogMessage> Handler(IServiceProvider services)
    {
        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("librdkafka");
        return (_, message) => Write(logger, message.Facility, message.Message);
    }

    [LoggerMessage(LogLevel.Debug, "{Facility}: {Text}")]
    private static partial void Write(ILogger logger, string facility, string text);
}
