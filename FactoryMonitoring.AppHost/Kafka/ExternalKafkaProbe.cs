using Confluent.Kafka;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>Asks brokers that are somebody else's who they are, signed in as the services are.</summary>
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
                // The first says why; what follows, that no broker is left.
                .SetErrorHandler((_, error) => refused ??= error.Reason)
                .Build();
            // Metadata is only to be had from a call that blocks.
            await Task.Run(() => admin.GetMetadata(Patience), cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is KafkaException or InvalidOperationException or IOException)
        {
            return refused ?? exception.Message;
        }
    }
}
