using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>Configures the addresses and the authentication of every Kafka client of a service.</summary>
public static class KafkaClientExtensions
{
    /// <summary>Sets the bootstrap list and the properties of <c>Kafka:Security</c>. An error there stops the service at startup (AddFactoryKafka).</summary>
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

    /// <summary>Reads section <c>Kafka:Security</c>, and describes in one line what is wrong with it.</summary>
    public static (KafkaSecurity Security, string? Problem) SecurityOf(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return KafkaSecurity.Read(configuration.GetSection(KafkaSecurity.Section).AsEnumerable(makePathsRelative: true));
    }
}
