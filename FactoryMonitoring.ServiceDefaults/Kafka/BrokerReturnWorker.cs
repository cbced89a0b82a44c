using Confluent.Kafka;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Gives a client the addresses of its brokers again when it reaches none. The client forgets all brokers, including its bootstrap list, on
/// the answer of a broker that has just started and does not know the others yet (librdkafka issue 5301), and does not recover by itself.
/// Fails if the client does not return from a call: such a client must be replaced.
/// </summary>
/// <typeparam name="TClient">The service that is the client.</typeparam>
internal sealed partial class BrokerReturnWorker<TClient>(
    IServiceProvider services, KafkaCredentials credentials, string bootstrapServers, TimeProvider time, ILogger<BrokerReturnWorker<TClient>> logger) : BackgroundService
    where TClient : IClient
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var client = credentials.Keep(services.GetRequiredService<TClient>());
        var admin = new DependentAdminClientBuilder(client.Handle).Build();
        var isHung = false;
        try
        {
            using var timer = new PeriodicTimer(Interval, time);
            while (!isHung && await timer.WaitForNextTickAsync(stoppingToken))
            {
                isHung = !await ReturnsAsync(Task.Run(() => Ask(client, admin), CancellationToken.None));
            }
        }
        finally
        {
            // The handle must outlive a call, and disposing of it may not return either.
            if (!isHung)
            {
                admin.Dispose();
            }
        }

        throw new HungClientException($"the Kafka client {client.Name} has not returned from a call for {HangLimit.TotalSeconds:0} s");
    }

    /// <summary>Awaits a call of the client.</summary>
    /// <returns>False if it has not returned within the limit.</returns>
    private async Task<bool> ReturnsAsync(Task call)
    {
        using var watching = new CancellationTokenSource();
        if (await Task.WhenAny(call, HungClient.UntilSilentAsync(() => true, HangLimit, time, watching.Token)) != call)
        {
            return false;
        }

        await watching.CancelAsync();
        await call;
        return true;
    }

    private void Ask(IClient client, IAdminClient admin)
    {
        try
        {
            admin.GetMetadata(Timeout);
        }
        catch (KafkaException exception)
        {
            client.AddBrokers(bootstrapServers);
            Log.Told(logger, exception.Error.Reason);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Cannot reach any broker ({Reason}): looking up their addresses again")]
        public static partial void Told(ILogger logger, string reason);
    }
}

/// <summary>Adds the recovery of a Kafka client.</summary>
public static class BrokerReturnExtensions
{
    /// <summary>
    /// Gives the client the addresses of its brokers again while it reaches none, and a changed password; call it after adding the users of the client,
    /// so that the worker stops first.
    /// </summary>
    /// <param name="services">The services in which <typeparamref name="TClient"/> is registered.</param>
    /// <param name="connectionName">The name of the connection string that contains the bootstrap servers.</param>
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
