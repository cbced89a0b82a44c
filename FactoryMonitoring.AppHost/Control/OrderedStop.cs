using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Stops the services, and then the brokers and the database that are processes, which the services need to finish their work. Aspire stops the rest:
/// containers, too, in one go with their removal.
/// </summary>
internal sealed class OrderedStop(DistributedApplicationModel model, ResourceWatch watch, ResourceCommandService commands, ExitLog exits, TimeProvider time)
    : LifecycleService
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Consent = TimeSpan.FromSeconds(1);

    public override async Task StoppingAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, Limit, Timeout.InfiniteTimeSpan);
        bool IsService(IResource resource) => resource is ProjectResource && resource.Name != KafkaClusterBuilderExtensions.EmbeddedHost;
        await StopAsync(IsService, limit.Token);
        await Task.WhenAll(
            StopAsync(resource => resource is ProjectResource or ExecutableResource && !IsService(resource), limit.Token),
            KillWithoutQuorumAsync([.. model.Resources.OfType<KafkaBrokerResource>()], limit.Token));
    }

    /// <summary>A broker that stops waits for the controller's consent, which never comes once most controllers have ended. Those in containers look themselves.</summary>
    private async Task KillWithoutQuorumAsync(IReadOnlyList<IResource> brokers, CancellationToken cancellationToken)
    {
        try
        {
            for (var left = brokers; left.Count > 0; left = [.. left.Where(broker => watch.IsAlive(broker.Name))])
            {
                if (left.Count > brokers.Count / 2)
                {
                    await Task.Delay(Poll, time, cancellationToken);
                    continue;
                }
                // One that has the controller's consent is about to end.
                await Task.Delay(Consent, time, cancellationToken);
                await Task.WhenAll(left.Where(broker => watch.IsAlive(broker.Name)).Select(broker => commands.ExecuteCommandAsync(broker, KillCommand.Name, cancellationToken)));
                return;
            }
        }
        catch (OperationCanceledException)
        {
            // Aspire ends them with the rest.
        }
    }

    private Task StopAsync(Func<IResource, bool> which, CancellationToken cancellationToken) =>
        Task.WhenAll(model.Resources.Where(resource => which(resource) && !ResourceWatch.IsPlumbing(resource) && watch.Runs(resource.Name))
            .Select(resource => StopAsync(resource, cancellationToken)));

    private async Task StopAsync(IResource resource, CancellationToken cancellationToken)
    {
        exits.Announce(resource.Name, ExitCause.Stopped, "the AppHost, which stops");
        try
        {
            await commands.ExecuteCommandAsync(resource, KnownResourceCommands.StopCommand, cancellationToken);
            await watch.UntilEndedAsync(resource.Name, Limit, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Aspire ends it with the rest.
        }
    }
}
