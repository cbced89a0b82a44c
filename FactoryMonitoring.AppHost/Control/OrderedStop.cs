using FactoryMonitoring.AppHost.Kafka;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Stops the services before the brokers and the database, which they need to finish their work. Aspire stops the rest at once.</summary>
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
        await Task.WhenAll(model.Resources.OfType<ProjectResource>()
            .Where(service => service.Name != KafkaClusterBuilderExtensions.EmbeddedHost && watch.Runs(service.Name))
            .Select(service => StopAsync(service, limit.Token)));
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task StopAsync(ProjectResource service, CancellationToken cancellationToken)
    {
        exits.Announce(service.Name, ExitCause.Stopped, "the AppHost, which stops");
        try
        {
            await commands.ExecuteCommandAsync(service, KnownResourceCommands.StopCommand, cancellationToken);
            await watch.UntilEndedAsync(service.Name, Limit, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Aspire ends it with the rest.
        }
    }
}
