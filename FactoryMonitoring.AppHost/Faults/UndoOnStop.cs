using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Lets what is paused go on, and restores what is cut, when the factory stops: nothing that stands still can end in good order.</summary>
internal sealed class UndoOnStop(DistributedApplicationModel model, ResourceWatch watch, Links links) : LifecycleService
{
    public override Task StoppingAsync(CancellationToken cancellationToken)
    {
        links.RestoreAll();
        foreach (var resource in model.Resources)
        {
            if (watch.Find(resource.Name) is { } snapshot && resource.IsPaused(snapshot)) resource.LetGoOn(snapshot);
        }
        return Task.CompletedTask;
    }
}
