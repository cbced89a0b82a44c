using Confluent.Kafka;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Confluent.Kafka;

/// <summary>
/// The settings that section <c>Aspire:Confluent:Kafka:Producer</c> and the callback of AddKafkaProducer may change. The replacement has no health check,
/// traces or metrics of its own: it behaves like the packages with all three disabled.
/// </summary>
public sealed class KafkaProducerSettings
{
    public string? ConnectionString { get; set; }
    public ProducerConfig Config { get; } = new();
    public bool DisableHealthChecks { get; set; }
    public bool DisableTracing { get; set; }
    public bool DisableMetrics { get; set; }
}

/// <summary>The same for <c>Aspire:Confluent:Kafka:Consumer</c> and AddKafkaConsumer.</summary>
public sealed class KafkaConsumerSettings
{
    public string? ConnectionString { get; set; }
    public ConsumerConfig Config { get; } = new();
    public bool DisableHealthChecks { get; set; }
    public bool DisableTracing { get; set; }
    public bool DisableMetrics { get; set; }
}

/// <summary>Code that the registrations of producers and consumers share.</summary>
internal static class KafkaClients
{
    /// <summary>Binds the section, then its subsection with the name of the connection; returns the connection string.</summary>
    internal static string? Bind(IHostApplicationBuilder builder, string section, string connectionName, object settings, ClientConfig config)
    {
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        var common = builder.Configuration.GetSection(section);
        foreach (var configuration in new[] { common, common.GetSection(connectionName) })
        {
            configuration.Bind(settings);
            configuration.GetSection("Config").Bind(config);
        }
        return builder.Configuration.GetConnectionString(connectionName);
    }

    internal static void RequireBootstrapServers(ClientConfig config)
    {
        if (string.IsNullOrEmpty(config.BootstrapServers))
            throw new InvalidOperationException("No bootstrap servers configured.");
    }

    /// <summary>Passes librdkafka's log lines to the log, unless the caller's callback has already set a handler.</summary>
    internal static void SetLogHandler<TClient>(IServiceProvider services, Action<Action<TClient, LogMessage>> set)
    {
        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("Aspire.Confluent.Kafka");
        try
        {
            set((_, message) => logger.Log((LogLevel)message.LevelAs(LogLevelType.MicrosoftExtensionsLogging), "{Message}", message.Message));
        }
        catch (InvalidOperationException)
        {
            logger.LogDebug("A log handler is set already.");
        }
    }
}
