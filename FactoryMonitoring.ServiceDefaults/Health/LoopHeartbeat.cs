using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FactoryMonitoring.ServiceDefaults.Health;

/// <summary>
/// The heartbeat of one loop of a service: the loop beats in each iteration, and /alive fails after a silence that exceeds the limit.
/// Waiting for a dependency is not a silence: a waiting loop continues to beat.
/// </summary>
public sealed class LoopHeartbeat(TimeSpan maxSilence, TimeProvider time) : IHealthCheck
{
    /// <summary>Tag of the checks that /alive runs.</summary>
    public const string LiveTag = "live";

    private static readonly TimeSpan Pulse = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait for a dependency that the dependency's own timeouts allow.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(20);

    private long _last = time.GetTimestamp();

    /// <summary>Whether the last beat was longer ago than allowed. Safe from any thread.</summary>
    public bool IsSilent => Silence > maxSilence;

    private TimeSpan Silence => time.GetElapsedTime(Volatile.Read(ref _last));

    /// <summary>Records that the loop is alive. Takes a few nanoseconds; safe from any thread.</summary>
    public void Beat() => Volatile.Write(ref _last, time.GetTimestamp());

    /// <summary>Awaits work on a dependency and beats in the meantime, for as long as the dependency's timeouts allow.</summary>
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
        var silence = Silence;
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
