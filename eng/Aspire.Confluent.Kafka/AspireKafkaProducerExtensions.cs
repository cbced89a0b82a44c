using Aspire.Confluent.Kafka;
using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers an <see cref="IProducer{TKey, TValue}"/> as a singleton.</summary>
public static class AspireKafkaProducerExtensions
{
    public static void AddKafkaProducer<TKey, TValue>(
        this IHostApplicationBuilder builder, string connectionName, Action<KafkaProducerSettings>? configureSettings)
        => builder.AddKafkaProducer(connectionName, configureSettings, default(Action<IServiceProvider, ProducerBuilder<TKey, TValue>>));

    /// <summary>
    /// Registers the producer of connection string <paramref name="connectionName"/>. Resolving the producer throws an <see cref="InvalidOperationException"/>
    /// if bootstrap servers are missing.
    /// </summary>
    public static void AddKafkaProducer<TKey, TValue>(
        this IHostApplicationBuilder builder, string connectionName, Action<KafkaProducerSettings>? configureSettings,
        Action<IServiceProvider, ProducerBuilder<TKey, TValue>>? configureBuilder)
    {
        KafkaProducerSettings settings = new();
        settings.ConnectionString = KafkaClients.Bind(builder, "Aspire:Confluent:Kafka:Producer", connectionName, settings, settings.Config)
            ?? settings.ConnectionString;
        configureSettings?.Invoke(settings);
        settings.Config.BootstrapServers = settings.ConnectionString ?? settings.Config.BootstrapServers;
        builder.Services.AddSingleton(services =>
        {
            KafkaClients.RequireBootstrapServers(settings.Config);
            ProducerBuilder<TKey, TValue> producer = new(settings.Config);
            configureBuilder?.Invoke(services, producer);
            KafkaClients.SetLogHandler<IProducer<TKey, TValue>>(services, handler => producer.SetLogHandler(handler));
            return producer.Build();
        });
    }
}
