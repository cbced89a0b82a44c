using System.Diagnostics;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.ServiceDefaults.Running;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

/// <summary>A service stops when the AppHost that started it is gone, and only then.</summary>
public sealed class AppHostWatchTests
{
    [Fact]
    public async Task A_service_outlives_an_AppHost_by_no_more_than_its_own_stop()
    {
        using var appHost = Process.Start("sleep", "600");
        var lifetime = new Lifetime();
        using var watch = Watch($"{appHost.Id}", lifetime);

        await watch.StartAsync(CancellationToken.None);
        Assert.False(lifetime.Stopping.IsCompleted);
        appHost.Kill();

        await lifetime.Stopping.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_service_whose_AppHost_is_already_gone_stops_at_once()
    {
        using var appHost = Process.Start("true");
        await appHost.WaitForExitAsync();
        var lifetime = new Lifetime();
        using var watch = Watch($"{appHost.Id}", lifetime);

        await watch.StartAsync(CancellationToken.None);

        await lifetime.Stopping.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_service_that_no_AppHost_started_waits_for_none()
    {
        var lifetime = new Lifetime();
        using var watch = Watch(null, lifetime);

        await watch.StartAsync(CancellationToken.None);
        await watch.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.False(lifetime.Stopping.IsCompleted);
    }

    private static AppHostWatch Watch(string? process, Lifetime lifetime) => new(
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [EnvironmentNames.AppHostProcess] = process }).Build(),
        lifetime,
        NullLogger<AppHostWatch>.Instance);

    private sealed class Lifetime : IHostApplicationLifetime
    {
        private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Stopping => _stopping.Task;

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => _stopping.TrySetResult();
    }
}
