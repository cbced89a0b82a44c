using FactoryMonitoring.AppHost.Kafka;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Stops the services, and then the brokers and the database, which they need to finish their work. Aspire stops what is left after that.</summary>
internal sealed class OrderedStop(DistributedApplicationModel model, ResourceWatch watch, ResourceCommandService commands, ExitLog exits, TimeProvider time)
    : IHostedLifecycleService
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(8);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, Limit, Timeout.InfiniteTimeSpan);
        bool IsService(IResource resource) => resource is ProjectResource && resource.Name != KafkaClusterBuilderExtensions.EmbeddedHost;
        await StopAsync(IsService, limit.Token);
        await StopAsync(resource => resource is ProjectResource or ExecutableResource or ContainerResource && !IsService(resource), limit.Token);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

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
