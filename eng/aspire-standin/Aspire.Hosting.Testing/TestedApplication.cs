using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>The application an AppHost has built: started by the AppHost's own next lines, stopped by the test.</summary>
internal sealed class TestedApplication(DistributedApplication application, AppHostRun run) : DistributedApplication(application)
{
    private IHostApplicationLifetime Lifetime => Services.GetRequiredService<IHostApplicationLifetime>();

    public override Task StartAsync(CancellationToken cancellationToken = default) => run.StartAsync(Lifetime, cancellationToken);

    public override Task StopAsync(CancellationToken cancellationToken = default) => application.StopAsync(cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await application.StopAsync();
        await run.DisposeAsync();
        await base.DisposeAsync();
    }
}
