using Confluent.Kafka;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>Checks whether external brokers answer, signed in as the services are.</summary>
internal static class ExternalKafkaProbe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Returns what is wrong; null when a broker answers.</summary>
    public static async Task<string?> AskAsync(KafkaClusterResource cluster, CancellationToken cancellationToken)
    {
        string? refused = null;
        try
        {
            using var admin = new AdminClientBuilder(cluster.Configure(new AdminClientConfig()))
                .SetLogHandler((_, _) => { })
                // The first error gives the reason; those that follow only say that no broker is left.
                .SetErrorHandler((_, error) => refused ??= error.Reason)
                .Build();
            // The client returns metadata only from a blocking call.
            await Task.Run(() => admin.GetMetadata(Patience), cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is KafkaException or InvalidOperationException or IOException)
        {
            return refused ?? exception.Message;
        }
    }
}
