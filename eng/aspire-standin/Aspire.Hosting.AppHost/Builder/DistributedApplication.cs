using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

public class DistributedApplication(IHost host) : IHost, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task? _stop;

    public IServiceProvider Services => host.Services;

    // Taken at once: they can be asked also when the host has been disposed.
    public ResourceNotificationService ResourceNotifications { get; } = host.Services.GetRequiredService<ResourceNotificationService>();

    public ResourceCommandService ResourceCommands { get; } = host.Services.GetRequiredService<ResourceCommandService>();

    public static IDistributedApplicationBuilder CreateBuilder(string[] args) => new DistributedApplicationBuilder(args);

    public virtual Task StartAsync(CancellationToken cancellationToken = default) => host.StartAsync(cancellationToken);

    /// <summary>Stops it once, however many ask.</summary>
    public virtual Task StopAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
            return _stop ??= host.StopAsync(cancellationToken);
    }

    /// <summary>Starts the application and returns when it has stopped: by SIGTERM, SIGINT or the token.</summary>
    public virtual async Task RunAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await StartAsync(cancellationToken);
            await this.WaitForShutdownAsync(cancellationToken);
        }
        finally
        {
            await DisposeAsync();
        }
    }

    public virtual void Dispose()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    public virtual async ValueTask DisposeAsync()
    {
        // Not under the hands of who is stopping it.
        if (_stop is { } stop)
            await Task.WhenAny(stop);
        if (host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
        else
            host.Dispose();
        GC.SuppressFinalize(this);
    }
}
