using System.Globalization;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Sensors.Accounting;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FactoryMonitoring.Sensors.Publishing;

/// <summary>Values of the field connection.</summary>
internal static class BrokerConnections
{
    public const string Connected = "connected";
    public const string Degraded = "degraded";
    public const string Disconnected = "disconnected";
}

/// <summary>Collects the conditions that the parts of this process have noticed, and derives the state of its connection to the brokers.</summary>
internal sealed partial class ProducerCondition(DeliveryAccount account, TimeProvider time, ILogger<ProducerCondition> logger) : IHealthCheck
{
    /// <summary>An acknowledgement later than this is late.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(2);

    /// <summary>For this long after its start, a process that has not reached the brokers yet is degraded, not disconnected.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly OutageReport _outage = new(time);
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private volatile bool _areBrokersAway = true;
    private volatile bool _haveAnswered;
    private long _awaySince = time.GetUtcNow().UtcTicks;
    private volatile string? _obstacle;
    private volatile bool _isOutOfCounts;
    private volatile bool _isAccountLate;
    private volatile bool _databaseHasNoRoom;
    private volatile bool _isOver;
    private volatile string? _fatal;

    /// <summary>No broker is reachable, or none has been reached yet.</summary>
    public bool AreBrokersAway => _areBrokersAway;

    /// <summary>Why the client accepts no more readings, so that sensors wait; null while it accepts them.</summary>
    public string? Obstacle { get => _obstacle; set => _obstacle = value; }

    /// <summary>A sensor has used up its reading_counts and waits for the database.</summary>
    public bool IsOutOfCounts { get => _isOutOfCounts; set => _isOutOfCounts = value; }

    /// <summary>The last account could not be written.</summary>
    public bool IsAccountLate { get => _isAccountLate; set => _isAccountLate = value; }

    /// <summary>The last account was refused because the database's disk is full.</summary>
    public bool DatabaseHasNoRoom { get => _databaseHasNoRoom; set => _databaseHasNoRoom = value; }

    /// <summary>The replayed file is at its end.</summary>
    public bool IsOver { get => _isOver; set => _isOver = value; }

    /// <summary>Handles an error that the client reports unasked.</summary>
    public void OnError(Error error)
    {
        if (error.IsFatal)
        {
            _fatal = error.Reason;
            Log.Fatal(logger, error.Reason);
        }

        if (error.Code == ErrorCode.Local_AllBrokersDown)
        {
            account.BeginEpoch();
            Volatile.Write(ref _awaySince, time.GetUtcNow().UtcTicks);
            _areBrokersAway = true;
            Log.BrokersAway(logger, _outage.Failed());
        }
    }

    public void BrokersAnswered()
    {
        if (_areBrokersAway)
        {
            _outage.Answered();
            Log.BrokersAnswer(logger);
        }

        (_areBrokersAway, _haveAnswered) = (false, true);
    }

    /// <returns>connected, degraded or disconnected, and the reason; null if there is none.</returns>
    public (string Connection, string? Reason) Judge(DeliveryStanding standing)
    {
        if (_fatal is { } fatal)
        {
            return (BrokerConnections.Disconnected, $"the Kafka client gave up: {fatal}");
        }

        // They may acknowledge readings before they are asked for their log.
        if (_areBrokersAway && !(standing.LastAcknowledged?.UtcTicks > Volatile.Read(ref _awaySince)))
        {
            return !_haveAnswered && time.GetUtcNow() - _startedAt < Grace
                ? (BrokerConnections.Degraded, "it has not reached the brokers yet")
                : (BrokerConnections.Disconnected, "no broker answers");
        }

        var reason = BrokersAreSlow(standing)
            ?? (_databaseHasNoRoom ? Conditions.NoRoom
            : _isOutOfCounts ? "waiting for the database: no reading counts left"
            : _isAccountLate ? "the database does not take acknowledgements"
            : null);
        return reason is null
            ? (BrokerConnections.Connected, _isOver ? "replay ended" : null)
            : (BrokerConnections.Degraded, reason);
    }

    /// <summary>Checks only the brokers: the database has a separate check.</summary>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var standing = account.Snapshot();
        var (connection, reason) = Judge(standing);
        return Task.FromResult(
            connection == BrokerConnections.Disconnected ? HealthCheckResult.Unhealthy(reason)
            : BrokersAreSlow(standing) is { } slow ? HealthCheckResult.Degraded(slow)
            : HealthCheckResult.Healthy(reason ?? connection));
    }

    private string? BrokersAreSlow(DeliveryStanding standing) =>
        _obstacle is { } obstacle ? $"sensors wait: {obstacle}"
        : standing.OldestWait > Late ? string.Create(CultureInfo.InvariantCulture, $"acknowledgements are {standing.OldestWait.TotalSeconds:0.0} s late")
        : null;

    private static partial class Log
    {
        [LoggerMessage("No broker answers, queueing readings")]
        public static partial void BrokersAway(ILogger logger, LogLevel level);

        [LoggerMessage(LogLevel.Information, "The brokers answer")]
        public static partial void BrokersAnswer(ILogger logger);

        [LoggerMessage(LogLevel.Error, "The Kafka client gave up: {Reason}")]
        public static partial void Fatal(ILogger logger, string reason);
    }
}
