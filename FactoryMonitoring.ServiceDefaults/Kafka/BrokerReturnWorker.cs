using Confluent.Kafka;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Tells a client again where its brokers are when it reaches none. By itself it forgets all of them, and the addresses it was started with,
/// over the answer of a broker that has just been started and knows of no other yet (librdkafka's issue 5301), and is lost for good.
/// </summary>
/// <typeparam name="TClient">The service that is the client.</typeparam>
internal sealed partial class BrokerReturnWorker<TClient>(
    IServiceProvider services, KafkaCredentials credentials, string bootstrapServers, TimeProvider time, ILogger<BrokerReturnWorker<TClient>> logger) : BackgroundService
    where TClient : IClient
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var client = credentials.Keep(services.GetRequiredService<TClient>());
        using var admin = new DependentAdminClientBuilder(client.Handle).Build();
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                // It blocks, and is not left behind: the client's handle must outlive it.
                await Task.Run(() => admin.GetMetadata(Timeout), CancellationToken.None);
            }
            catch (KafkaException exception)
            {
                client.AddBrokers(bootstrapServers);
                Log.Told(logger, exception.Error.Reason);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Cannot reach any broker ({Reason}): looking up their addresses again")]
        public static partial void Told(ILogger logger, string reason);
    }
}

/// <summary>Adds what brings a Kafka client back.</summary>
public static class BrokerReturnExtensions
{
    /// <summary>Has the client's brokers named to it again while it reaches none, and a changed password told to it; add it after whatever uses the client, so that it stops first.</summary>
    /// <param name="services">Where <typeparamref name="TClient"/> is registered.</param>
    /// <param name="connectionName">Of the connection string, which is the bootstrap servers.</param>
    public static void AddBrokerReturn<TClient>(this IServiceCollection services, string connectionName) where TClient : IClient
    {
        services.TryAddSingleton<KafkaCredentials>();
        services.AddHostedService(provider => new BrokerReturnWorker<TClient>(
            provider,
            provider.GetRequiredService<KafkaCredentials>(),
            provider.GetRequiredService<IConfiguration>().GetConnectionString(connectionName) ?? "",
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<BrokerReturnWorker<TClient>>>()));
    }
}
