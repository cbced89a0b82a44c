using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>The one place from which every Kafka client of a service takes where its brokers are and how it signs in to them.</summary>
public static class KafkaClientExtensions
{
    /// <summary>Sets the bootstrap list, and what section <c>Kafka:Security</c> says. What is wrong there stops the service at its start (AddFactoryKafka).</summary>
    public static TConfig UseFactoryKafka<TConfig>(this TConfig config, IConfiguration configuration) where TConfig : ClientConfig
    {
        ArgumentNullException.ThrowIfNull(config);
        config.BootstrapServers = configuration.GetConnectionString(ResourceNames.Kafka);
        foreach (var (property, value) in SecurityOf(configuration).Security.Properties)
        {
            config.Set(property, value);
        }

        return config;
    }

    /// <summary>Section <c>Kafka:Security</c>, and in one line what is wrong with it.</summary>
    public static (KafkaSecurity Security, string? Problem) SecurityOf(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return KafkaSecurity.Read(configuration.GetSection(KafkaSecurity.Section).AsEnumerable(makePathsRelative: true));
    }
}
