using FactoryMonitoring.Data.Experiments;
using Npgsql;

namespace FactoryMonitoring.FaultLab.Experiments;

internal sealed partial class ExperimentRunner
{
    private ExperimentOffsets? _from;
    private DateTimeOffset _lookedAt;

    /// <summary>Observes twice a second until the condition holds.</summary>
    /// <returns>False if it did not hold in time.</returns>
    private async Task<bool> ObserveUntilAsync(Func<bool> holds, TimeSpan within, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var since = time.GetTimestamp();
        do
        {
            await ObserveAsync(cancellationToken);
            if (holds())
            {
                return true;
            }
        }
        while (time.GetElapsedTime(since) < within && await timer.WaitForNextTickAsync(cancellationToken));
        return false;
    }

    private async Task ObserveAsync(CancellationToken cancellationToken)
    {
        var asked = time.GetUtcNow();
        var snapshot = _snapshot = await factory.ReadAsync(SeenWithin, cancellationToken);
        if (snapshot is { Stale: true } && _seen is { AskedAt: not null, AwaySeenAt: null })
        {
            _seen = _seen with { AwaySeenAt = asked };
        }

        if (snapshot?.Cluster is { LagMeasuredAt: { } lagAt, Partitions: var partitions } && !(_seen.Lags is [.., var last] && last.At >= lagAt))
        {
            _seen = _seen with
            {
                Lags = [.. _seen.Lags, new(lagAt, partitions.Where(each => each.Lag is not null).ToDictionary(each => each.Partition, each => each.Lag!.Value))],
            };
        }

        try
        {
            var fault = _seen.AskedAt is null ? null : new Findings(_run.Experiment, _seen).KilledAt;
            var rows = await queries.ReadAsync(kafka.SensorTopic, _seen.StartedAt, fault, _seen.WholeAt ?? asked, cancellationToken);
            _seen = _seen with { Rows = rows };
            _lookedAt = asked;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            // The last rows remain valid: the database may be what the experiment stopped.
            Log.Blind(logger, exception.Message);
        }

        if (_run.Experiment.Steps.Any(step => step.Until.Condition == Condition.CaughtUp) && _seen.AskedAt is { } askedAt
            && await control.LoadAsync(cancellationToken) is { Started: { } started } load && started >= askedAt - Recently)
        {
            _seen = _seen with { LoadAcknowledged = load.Acknowledged, BurstEndedAt = load.Running ? null : started + TimeSpan.FromSeconds(load.Seconds) };
        }

        _running = RunReport.Body(_run, _seen);
    }

    private bool Holds(Until until)
    {
        var findings = new Findings(_run.Experiment, _seen);
        return until.Condition switch
        {
            Condition.Answered => true,
            Condition.Shared => _snapshot is { Stale: false } snapshot && SteadyState.Unshared(snapshot, until.Consumers ?? _consumers) is null,
            Condition.Rejected => findings.Of(Measure.NotRejected) == 0,
            Condition.CaughtUp => findings.CaughtUp is not null,
            _ => Noticed(findings) && (_run.Experiment.Rebalances ? findings.Flowing is not null : _run.Experiment.Victims == VictimKind.Sensor || AllFlow()),
        };
    }

    // If there is a limit for noticing the fault, it is waited for.
    private bool Noticed(Findings findings) =>
        findings.NoticedByUs is not null || !_run.Experiment.Limits.Any(limit => limit.Measure == Measure.Noticed);

    // Every partition was committed a moment ago, or has no lag; commits count only since the present start of the database.
    private bool AllFlow()
    {
        if (_seen.Rows is not { } rows || _snapshot is not { Stale: false, Cluster: { Brokers.Count: > 0 } cluster }
            || (_run.Experiment.Victims == VictimKind.Database && rows.DatabaseStartedAt < _seen.AskedAt))
        {
            return false;
        }

        var now = time.GetUtcNow();
        return cluster.Partitions.Count > 0 && cluster.Partitions.All(partition => partition.Leader is not null
            && ((rows.LastCommits.TryGetValue(partition.Partition, out var commit) && now - commit < Recently && commit > rows.DatabaseStartedAt)
                || partition.Lag == 0));
    }

    private static string Waiting(Until until)
    {
        var what = until.Condition switch
        {
            Condition.Shared when until.Consumers is { } count => $"{count} consumers share all partitions",
            Condition.Shared => "the consumers share all partitions",
            Condition.Rejected => "every malformed message is set aside",
            Condition.CaughtUp => "the load is over and nobody is behind",
            Condition.Flowing => "all flows",
            _ => "done",
        };
        return until.For > TimeSpan.Zero ? $"{what}, after {until.For.TotalSeconds:0} s" : what;
    }

    private async Task<ExperimentOffsets?> ReadOffsetsAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await queries.OffsetsAsync(kafka.SensorTopic, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task ReadStoredAsync(CancellationToken cancellationToken)
    {
        if (_from is { } from && new Findings(_run.Experiment, _seen).KilledAt is { } killedAt && _seen.UndoneAt is { } undoneAt)
        {
            try
            {
                var stored = await queries.StoredAsync(from, _seen.StartedAt, killedAt, undoneAt, RunReport.DelayedAfter, cancellationToken);
                _seen = _seen with { Stored = stored };
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
            {
                Note($"cannot read the stored readings: {exception.Message}");
            }
        }
    }

    private void Enter(string phase) => _run = _run with { Phase = phase };

    private void Do(string what) => _run = _run with { Step = what };

    private void Note(string what)
    {
        Do(what);
        _seen = _seen with { Said = [.. _seen.Said, (time.GetUtcNow(), what)] };
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Cannot read the state of the experiment: {Reason}")]
        public static partial void Blind(ILogger logger, string reason);
    }
}
