using Aspire.Confluent.Kafka;
using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers an <see cref="IConsumer{TKey, TValue}"/> as a singleton.</summary>
public static class AspireKafkaConsumerExtensions
{
    public static void AddKafkaConsumer<TKey, TValue>(
        this IHostApplicationBuilder builder, string connectionName, Action<KafkaConsumerSettings>? configureSettings)
        => builder.AddKafkaConsumer(connectionName, configureSettings, default(Action<IServiceProvider, ConsumerBuilder<TKey, TValue>>));

    /// <summary>
    /// Registers the consumer of connection string <paramref name="connectionName"/>. Resolving the consumer throws an <see cref="InvalidOperationException"/>
    /// if bootstrap servers are missing.
    /// </summary>
    public static void AddKafkaConsumer<TKey, TValue>(
        this IHostApplicationBuilder builder, string connectionName, Action<KafkaConsumerSettings>? configureSettings,
        Action<IServiceProvider, ConsumerBuilder<TKey, TValue>>? configureBuilder)
    {
        KafkaConsumerSettings settings = new();
        settings.ConnectionString = KafkaClients.Bind(builder, "Aspire:Confluent:Kafka:Consumer", connectionName, settings, settings.Config)
            ?? settings.ConnectionString;
        configureSettings?.Invoke(settings);
        settings.Config.BootstrapServers = settings.ConnectionString ?? settings.Config.BootstrapServers;
        builder.Services.AddSingleton(services =>
        {
            KafkaClients.RequireBootstrapServers(settings.Config);
            ConsumerBuilder<TKey, TValue> consumer = new(settings.Config);
            configureBuilder?.Invoke(services, consumer);
            KafkaClients.SetLogHandler<IConsumer<TKey, TValue>>(services, handler => consumer.SetLogHandler(handler));
            return consumer.Build();
        });
    }
}
