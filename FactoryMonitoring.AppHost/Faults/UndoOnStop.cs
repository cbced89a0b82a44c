using FactoryMonitoring.AppHost.Control;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Lets what is paused go on, and restores what is cut, when the factory stops: nothing that stands still can end in good order.</summary>
internal sealed class UndoOnStop(DistributedApplicationModel model, ResourceWatch watch, Links links) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        links.RestoreAll();
        foreach (var resource in model.Resources)
        {
            if (watch.Find(resource.Name) is { } snapshot && resource.IsPaused(snapshot)) resource.LetGoOn(snapshot);
        }
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
