using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FactoryMonitoring.Consumers.Health;

/// <summary>Checks that a broker answers the consuming client within 2 s.</summary>
internal sealed class KafkaCheck(IServiceProvider services, ConsumerIdentity identity) : IHealthCheck
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var handle = services.GetRequiredService<IConsumer<Ignore, Rejection>>().Handle;
            using var admin = new DependentAdminClientBuilder(handle).Build();
            // Metadata is only available from a blocking call.
            var metadata = await Task.Run(() => admin.GetMetadata(identity.SensorTopic, Limit), cancellationToken);
            return HealthCheckResult.Healthy($"{metadata.Brokers.Count} brokers");
        }
        catch (Exception exception) when (exception is KafkaException or ObjectDisposedException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, $"no broker answers: {exception.Message}");
        }
    }
}
