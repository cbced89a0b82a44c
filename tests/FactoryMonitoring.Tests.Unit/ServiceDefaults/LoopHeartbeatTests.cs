using FactoryMonitoring.ServiceDefaults.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

public sealed class LoopHeartbeatTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_loop_is_alive_until_it_is_silent_for_longer_than_it_may()
    {
        var heartbeat = new LoopHeartbeat(TimeSpan.FromSeconds(5), _time);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((HealthStatus.Healthy, "last beat 5.0 s ago, 5 s allowed"), await CheckAsync(heartbeat));

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((HealthStatus.Unhealthy, "last beat 6.0 s ago, 5 s allowed"), await CheckAsync(heartbeat));

        heartbeat.Beat();
        Assert.Equal((HealthStatus.Healthy, "last beat 0.0 s ago, 5 s allowed"), await CheckAsync(heartbeat));
    }

    [Fact]
    public async Task A_loop_that_waits_for_a_dependency_is_alive_as_long_as_a_dependency_may_take()
    {
        var heartbeat = new LoopHeartbeat(TimeSpan.FromSeconds(4), _time);
        var work = new TaskCompletionSource();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var waiting = heartbeat.WaitAsync(work.Task);

        for (var second = 1; second <= 19; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            // The beat comes from another thread.
            while (await CheckAsync(heartbeat) != (HealthStatus.Healthy, "last beat 0.0 s ago, 4 s allowed"))
            {
                limit.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        for (var second = 20; second <= 25; second++) _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(heartbeat)).Item1);

        work.SetResult();
        await waiting;
    }

    private static async Task<(HealthStatus, string?)> CheckAsync(LoopHeartbeat heartbeat)
    {
        var result = await heartbeat.CheckHealthAsync(new HealthCheckContext
        {
            Registration = new HealthCheckRegistration("loop", heartbeat, HealthStatus.Unhealthy, [LoopHeartbeat.LiveTag]),
        });
        return (result.Status, result.Description);
    }
}
