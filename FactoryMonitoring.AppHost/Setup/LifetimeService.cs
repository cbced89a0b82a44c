using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>
/// A hosted service that acts before the first resource is created and after the last one has stopped. Aspire creates the resources in a hosted service whose
/// start completes only when all of them exist, so that services started after it would come too late.
/// </summary>
internal abstract class LifecycleService : IHostedLifecycleService
{
    /// <summary>Before the first resource is created.</summary>
    public virtual Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before the first resource is stopped.</summary>
    public virtual Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>After the last resource has stopped.</summary>
    public virtual Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>A background service that runs from before the first resource is created until after the last one has stopped.</summary>
internal abstract class LifetimeService : BackgroundService, IHostedLifecycleService
{
    public virtual Task StartingAsync(CancellationToken cancellationToken) => base.StartAsync(cancellationToken);

    public sealed override Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public virtual Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public sealed override Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public virtual Task StoppedAsync(CancellationToken cancellationToken) => base.StopAsync(cancellationToken);
}
