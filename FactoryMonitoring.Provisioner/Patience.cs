using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Provisioner;

/// <summary>What was to be provisioned could not be, for the reason the message gives.</summary>
internal sealed class ProvisioningException(string message) : Exception(message);

/// <summary>Repeats what needs another process to be up, until it succeeds or the limit has passed.</summary>
internal sealed partial class Patience(IOptions<ProvisionerOptions> options, TimeProvider time, ILogger<Patience> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Repeats <paramref name="attempt"/>; says what it waits for from the second time on, and again when the reason changes.</summary>
    /// <param name="goal">Completes the sentence "could not …".</param>
    /// <param name="attempt">Returns null when it is done, else the reason why not yet.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="ProvisioningException">It was not done within <see cref="ProvisionerOptions.ProvisioningLimit"/>.</exception>
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
