using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FactoryMonitoring.ServiceDefaults.Health;

/// <summary>
/// The pulse of one loop of a service: the loop beats each time round, and /alive fails once it has been silent for longer than it may.
/// Waiting for a dependency is no silence: a loop that waits beats on.
/// </summary>
public sealed class LoopHeartbeat(TimeSpan maxSilence, TimeProvider time) : IHealthCheck
{
    /// <summary>Tag of the checks that /alive asks.</summary>
    public const string LiveTag = "live";

    private static readonly TimeSpan Pulse = TimeSpan.FromSeconds(1);

    /// <summary>No wait for a dependency lasts longer by the dependency's own time limits.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(20);

    private long _last = time.GetTimestamp();

    /// <summary>The loop is alive now. Costs a few nanoseconds; safe from any thread.</summary>
    public void Beat() => Volatile.Write(ref _last, time.GetTimestamp());

    /// <summary>Awaits work on a dependency and beats meanwhile, for as long as the dependency's time limits may take.</summary>
    public async Task WaitAsync(Task work)
    {
        ArgumentNullException.ThrowIfNull(work);
        await BeatUntilAsync(work);
        await work;
    }

    /// <inheritdoc cref="WaitAsync(Task)"/>
    public async Task<T> WaitAsync<T>(Task<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        await BeatUntilAsync(work);
        return await work;
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        var silence = time.GetElapsedTime(Volatile.Read(ref _last));
        var description = string.Create(CultureInfo.InvariantCulture, $"last beat {silence.TotalSeconds:0.0} s ago, {maxSilence.TotalSeconds:0.#} s allowed");
        return Task.FromResult(silence <= maxSilence
            ? HealthCheckResult.Healthy(description)
            : new HealthCheckResult(context.Registration.FailureStatus, description));
    }

    private async Task BeatUntilAsync(Task work)
    {
        var began = time.GetTimestamp();
        while (!work.IsCompleted && time.GetElapsedTime(began) < LongestWait)
        {
            Beat();
            await Task.WhenAny(work, Task.Delay(Pulse, time));
        }
    }
}
