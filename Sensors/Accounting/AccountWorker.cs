using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.Sensors.Publishing;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Accounting;

/// <summary>
/// Writes heartbeat, acknowledged ranges and samples once a second, on a dedicated connection and independently of publishing. Data that cannot be
/// written is kept and written later, exactly once.
/// </summary>
internal sealed partial class AccountWorker(
    DeliveryAccount account,
    ProducerCondition condition,
    IReadingSource source,
    ProducerAccountStore store,
    IOptions<SensorsOptions> options,
    [FromKeyedServices(AccountWorker.Loop)] LoopHeartbeat heartbeat,
    TimeProvider time,
    ILogger<AccountWorker> logger) : BackgroundService
{
    public const string Loop = "account loop";

    /// <summary>Identifies this process in its heartbeats.</summary>
    public static readonly Guid Instance = Guid.NewGuid();

    private const int AccountsKept = 900;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // An attempt can take 3 s: on a busy machine the first one at the stop may fail. No attempt begins later than this.
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan LastInterval = TimeSpan.FromMilliseconds(250);
    private static readonly ProducerAccount Nothing = new([], [], 0);
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private ProducerAccount _pending = Nothing;
    private long _number = 1;
    private readonly OutageReport _outage = new(time);
    private bool _mayBeWritten;

    // The number of acknowledgements in each account of the last 15 minutes.
    private readonly Queue<(long Number, long Acknowledged)> _written = new();

    /// <summary>Writes the last account after publishing has ended: this worker is registered before the one that publishes.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        var began = time.GetTimestamp();
        await WriteLastAsync();
        while ((_mayBeWritten || _pending.Acknowledged > 0) && time.GetElapsedTime(began) < LastPatience)
        {
            await Task.Delay(LastInterval, time, CancellationToken.None);
            await WriteLastAsync();
        }

        if (_pending.Acknowledged + account.Unresolved is var unwritten and > 0)
        {
            Log.Unwritten(logger, unwritten);
        }
    }

    private async Task WriteLastAsync()
    {
        if (_mayBeWritten)
        {
            await WriteAsync(atTheEnd: false);
        }

        await WriteAsync(atTheEnd: true);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            heartbeat.Beat();
            await heartbeat.WaitAsync(WriteAsync(atTheEnd: false));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    // Never cancelled, so that a stop leaves no outcome unknown: every step has its own timeout.
    private async Task WriteAsync(bool atTheEnd)
    {
        try
        {
            // An account that may have been written must be retried unchanged, or not at all: nothing is added to it.
            if (!_mayBeWritten)
            {
                _pending = DeliveryAccount.Join(_pending, account.Take(atTheEnd));
            }

            if (await store.WriteAsync(Describe(atTheEnd), _pending, _number, _mayBeWritten, CancellationToken.None) is { } before && before < _number - 1)
            {
                // A standby that lacked them was promoted, or a backup was restored.
                Log.Lost(logger, _written.Where(account => account.Number > before).Sum(account => account.Acknowledged), before + 1, _number - 1);
            }

            _written.Enqueue((_number, _pending.Acknowledged));
            if (_written.Count > AccountsKept)
            {
                _written.Dequeue();
            }

            (_pending, _mayBeWritten) = (Nothing, false);
            _number++;
            Log.WrittenAgain(logger, _outage.Answered());
            (condition.IsAccountLate, condition.DatabaseHasNoRoom) = (false, false);
        }
        catch (Exception exception)
        {
            _mayBeWritten |= exception is OutcomeUnknownException;
            Log.NotWritten(logger, _outage.Failed(), exception.Message);
            (condition.IsAccountLate, condition.DatabaseHasNoRoom) = (true, DatabaseFaults.IsNoRoom(exception));
            if (condition.DatabaseHasNoRoom)
            {
                await BeatAsync(atTheEnd);
            }
        }
    }

    // Otherwise the producer would be considered dead.
    private async Task BeatAsync(bool atTheEnd)
    {
        try
        {
            await store.BeatAsync(Describe(atTheEnd), CancellationToken.None);
        }
        catch (Exception exception)
        {
            Log.NotBeaten(logger, exception.Message);
        }
    }

    private ProducerHeartbeat Describe(bool atTheEnd)
    {
        var standing = account.Snapshot();
        var (connection, reason) = condition.Judge(standing);
        return new ProducerHeartbeat(
            options.Value.ProducerId,
            source.Sensors[0].Type.Name,
            atTheEnd ? "inactive" : "active",
            atTheEnd ? BrokerConnections.Disconnected : connection,
            atTheEnd ? "stopped" : reason,
            standing.LastMinute,
            standing.LastAcknowledged,
            _startedAt,
            Instance,
            Environment.ProcessId,
            Environment.MachineName,
            source.Sensors.Count,
            standing.Queued,
            Environment.WorkingSet);
    }

    private static partial class Log
    {
        [LoggerMessage("Cannot write acknowledgements, keeping them: {Reason}")]
        public static partial void NotWritten(ILogger logger, LogLevel level, string reason);

        [LoggerMessage("Writing acknowledgements again")]
        public static partial void WrittenAgain(ILogger logger, LogLevel level);

        [LoggerMessage(LogLevel.Warning, "The database lost {Count} acknowledgements that it had stored (accounts {First} to {Last}): their readings will be unconfirmed")]
        public static partial void Lost(ILogger logger, long count, long first, long last);

        [LoggerMessage(LogLevel.Debug, "Cannot write the heartbeat either: {Reason}")]
        public static partial void NotBeaten(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Warning, "{Count} acknowledgements were not written: their readings will be unconfirmed")]
        public static partial void Unwritten(ILogger logger, long count);
    }
}
