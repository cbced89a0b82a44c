using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Provisioner;

/// <summary>Provisioning failed for the reason that the message gives.</summary>
internal sealed class ProvisioningException(string message) : Exception(message);

/// <summary>Retries operations that depend on another process, until they succeed or the limit has passed.</summary>
internal sealed partial class Patience(IOptions<ProvisionerOptions> options, TimeProvider time, ILogger<Patience> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Repeats <paramref name="attempt"/>; logs what it waits for from the second attempt on, and again when the reason changes.</summary>
    /// <param name="goal">Completes the sentence "could not …".</param>
    /// <param name="attempt">Returns null when it has succeeded, else the reason why not yet.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="ProvisioningException">The attempt did not succeed within <see cref="ProvisionerOptions.ProvisioningLimit"/>.</exception>
    public async Task PersistAsync(string goal, Func<CancellationToken, Task<string?>> attempt, CancellationToken cancellationToken)
    {
        var limit = options.Value.ProvisioningLimit;
        var started = time.GetTimestamp();
        string? told = null;
        var first = true;
        while (await attempt(cancellationToken) is { } reason)
        {
            if (time.GetElapsedTime(started) >= limit)
            {
                throw new ProvisioningException($"could not {goal} within {limit.TotalSeconds:0.#} s: {reason}");
            }

            if (!first && reason != told)
            {
                Log.Waiting(logger, goal, reason);
                told = reason;
            }

            first = false;
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Waiting to {Goal}: {Reason}")]
        public static partial void Waiting(ILogger logger, string goal, string reason);
    }
}
