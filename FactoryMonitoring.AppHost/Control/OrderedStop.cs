using FactoryMonitoring.AppHost.Faults;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Stops the services first, then the brokers and the database that run as processes, which the services need to finish their work. Aspire stops the rest,
/// including containers, which it stops and removes in one step.
/// </summary>
internal sealed class OrderedStop(DistributedApplicationModel model, ResourceWatch watch, ResourceCommandService commands, ExitLog exits, TimeProvider time)
    : LifecycleService
{
    private static readonly TimeSpan ServicesLimit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan ServersLimit = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Consent = TimeSpan.FromSeconds(1);

    public override async Task StoppingAsync(CancellationToken cancellationToken)
    {
        bool IsService(IResource resource) => resource is ProjectResource && resource.Name != KafkaClusterBuilderExtensions.EmbeddedHost;
        await WithinAsync(ServicesLimit, token => StopAsync(IsService, token), cancellationToken);
        await WithinAsync(
            ServersLimit,
            token => Task.WhenAll(
                StopAsync(resource => resource is ProjectResource or ExecutableResource && !IsService(resource), token),
                KillWithoutQuorumAsync([.. model.Resources.OfType<KafkaBrokerResource>()], token)),
            cancellationToken);
    }

    private async Task WithinAsync(TimeSpan length, Func<CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, length, Timeout.InfiniteTimeSpan);
        await act(limit.Token);
    }

    /// <summary>
    /// Kills the remaining brokers once most controllers have exited: a stopping broker waits for the controller's consent, which then never comes. Brokers in
    /// containers check this themselves.
    /// </summary>
    private async Task KillWithoutQuorumAsync(IReadOnlyList<IResource> brokers, CancellationToken cancellationToken)
    {
        try
        {
            for (var left = brokers; left.Count > 0; left = [.. left.Where(broker => !watch.IsGone(broker.Name))])
            {
                if (left.Count > brokers.Count / 2)
                {
                    await Task.Delay(Poll, time, cancellationToken);
                    continue;
                }
                // A broker that has the controller's consent is about to exit.
                await Task.Delay(Consent, time, cancellationToken);
                await Task.WhenAll(left.Where(broker => !watch.IsGone(broker.Name)).Select(broker => commands.ExecuteCommandAsync(broker, KillCommand.Name, cancellationToken)));
                return;
            }
        }
        catch (OperationCanceledException)
        {
            // Aspire stops them with the rest.
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
            // Aspire's orchestrator signals a process only after it has looked through all others, which takes 5 s for a dozen of them on two cores.
            if (watch.Find(resource.Name)?.ProcessId() is not { } pid || !Signals.Terminate(pid))
                await commands.ExecuteCommandAsync(resource, KnownResourceCommands.StopCommand, cancellationToken);
            await watch.UntilGoneAsync(resource.Name, ServicesLimit, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Aspire stops it with the rest.
        }
    }
}
