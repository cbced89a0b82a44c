namespace FactoryMonitoring.Contracts;

/// <summary>Timeouts after which a silent component is considered gone.</summary>
public static class Liveness
{
    /// <summary>A consumer or sensor whose last heartbeat is older is inactive, in seconds.</summary>
    public const int HeartbeatLimitSeconds = 5;

    /// <summary>A member of the consumer group that is silent for longer is replaced, in milliseconds.</summary>
    public const int SessionTimeoutMs = 6_000;

    /// <summary>A consumer or sensor whose last heartbeat is older is inactive.</summary>
    public static readonly TimeSpan HeartbeatLimit = TimeSpan.FromSeconds(HeartbeatLimitSeconds);

    /// <summary>A member of the consumer group that is silent for longer is replaced.</summary>
    public static readonly TimeSpan SessionTimeout = TimeSpan.FromMilliseconds(SessionTimeoutMs);
}
