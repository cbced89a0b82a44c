using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Resumes paused resources and restores cut links when the factory stops: a paused process cannot shut down gracefully.</summary>
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
