namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// A Kafka client no longer returns from its calls. In librdkafka 2.16, the thread that serves all requests can wait forever for a lock when a broker leaves the
/// cluster while the client compares its position with that broker's log (librdkafka issue 5476). Only a new client helps.
/// </summary>
public sealed class HungClientException(string message) : Exception(message);

/// <summary>Detects a client that hangs.</summary>
public static class HungClient
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Returns when <paramref name="isSilent"/> has been true for <paramref name="limit"/> without a break, checked once a second. A process that was stopped and
    /// continued has checked nothing in the meantime.
    /// </summary>
    public static async Task UntilSilentAsync(Func<bool> isSilent, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(isSilent);
        using var timer = new PeriodicTimer(Tick, time);
        for (var silence = TimeSpan.Zero; silence < limit; silence = isSilent() ? silence + Tick : TimeSpan.Zero)
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }
}
