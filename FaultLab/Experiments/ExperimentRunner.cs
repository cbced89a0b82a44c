using System.Threading.Channels;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Experiments;
using FactoryMonitoring.FaultLab.Control;
using FactoryMonitoring.FaultLab.Factory;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Npgsql;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>Thrown when the run cannot continue; the message says why.</summary>
internal sealed class RunAbortedException(string message) : Exception(message);

/// <summary>
/// Runs one experiment at a time: steady state, fault, observation, undoing of the fault, verdict. The fault is undone in any case, also when this
/// process is stopped.
/// </summary>
internal sealed partial class ExperimentRunner(
    ExperimentStore store,
    ExperimentQueries queries,
    ControlClient control,
    UndoFile undoFile,
    FactoryView factory,
    KafkaNames kafka,
    TimeProvider time,
    ILogger<ExperimentRunner> logger) : BackgroundService
{
    // The name of the requester.
    private const string By = "experiment";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SeenWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SteadyFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SteadyWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ObservedFor = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan WholeWithin = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan MendWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MendAgainAfter = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Recently = TimeSpan.FromSeconds(3);

    private readonly Channel<(long Id, Experiment Experiment, ExperimentSite Site)> _requests = Channel.CreateBounded<(long, Experiment, ExperimentSite)>(1);
    private readonly SemaphoreSlim _turn = new(1);
    private RunHeader _run = null!;
    private Observations _seen = null!;
    private int _consumers;
    private StreamSnapshot? _snapshot;
    private volatile ExperimentRunBody? _running;

    /// <summary>The present run; null if none is running.</summary>
    public ExperimentRunBody? Running => _running;

    /// <summary>Begins a run.</summary>
    /// <returns>The id of the run; null if another one is running.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached; no run has begun.</exception>
    public async Task<long?> TryBeginAsync(Experiment experiment, ExperimentSite site, CancellationToken cancellationToken)
    {
        if (!await _turn.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            return null;
        }

        try
        {
            var startedAt = time.GetUtcNow();
            var id = await store.BeginAsync(experiment.Name, startedAt, site.GroupProtocol, site.KafkaBacking, cancellationToken);
            _run = new(id, experiment, site, ExperimentPhases.Steady);
            _seen = new(startedAt);
            _running = RunReport.Body(_run, _seen);
            await store.WriteAsync(_running, [], CancellationToken.None);
            await _requests.Writer.WriteAsync((id, experiment, site), CancellationToken.None);
            return id;
        }
        catch
        {
            _running = null;
            _turn.Release();
            throw;
        }
    }

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await UndoWithoutDatabaseAsync(stoppingToken);
            await AbandonAsync(stoppingToken);
            await foreach (var _ in _requests.Reader.ReadAllAsync(stoppingToken))
            {
                await RunAsync(stoppingToken);
                _running = null;
                _turn.Release();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    // The database may be what the run broke, and the run is recorded only there.
    private async Task UndoWithoutDatabaseAsync(CancellationToken cancellationToken)
    {
        var commands = undoFile.Read();
        if (commands.Count == 0)
        {
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(MendWithin);
        await UndoAsync(commands, (command, refusal) => Log.Undone(logger, refusal ?? $"{command}: done"), limit.Token);
    }

    // Aborts the runs that were running when this process last exited.
    private async Task AbandonAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var outage = new OutageReport(time);
        do
        {
            try
            {
                foreach (var (run, undo) in await store.UnfinishedAsync(_running?.Id ?? 0, cancellationToken))
                {
                    await store.WriteAsync(await AbortedAsync(run, undo, cancellationToken), [], cancellationToken);
                }

                await store.AbandonAsync(_running?.Id ?? 0, cancellationToken);
                undoFile.Delete();
                return;
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
            {
                Log.Unwritten(logger, outage.Failed(), exception.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    // The fault may have been undone by others in the meantime, so the answers are recorded.
    private async Task<ExperimentRunBody> AbortedAsync(ExperimentRunBody run, IReadOnlyList<ControlCommand> undo, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(MendWithin);
        var undone = new List<string>(undo.Count);
        await UndoAsync(undo, (command, refusal) => undone.Add(refusal ?? $"{command}: done"), limit.Token);
        return run with
        {
            Verdict = Verdicts.Aborted,
            Phase = ExperimentPhases.Verdict,
            Step = null,
            EndedAt = time.GetUtcNow(),
            Reason = undone is []
                ? "The fault lab ended during the run; nothing was broken."
                : $"The fault lab ended during the run; what was broken was undone when it came back ({string.Join("; ", undone)}).",
        };
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        var experiment = _run.Experiment;
        Log.Begun(logger, _run.Id, experiment.Name);
        var struck = false;
        try
        {
            await SteadyAsync(stopping);
            await NoteUndoAsync(stopping);
            struck = true;
            Enter(ExperimentPhases.Fault);
            foreach (var step in experiment.Steps)
            {
                await TakeAsync(step, stopping);
            }

            await MendAsync();
            struck = false;
            await SettleAsync(stopping);
        }
        catch (RunAbortedException aborted)
        {
            _run = _run with { Aborted = aborted.Message };
        }
        catch (ControlException refused)
        {
            _run = _run with { Aborted = $"The AppHost did not do what was asked: {refused.Message}" };
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            _run = _run with { Aborted = "The fault lab was stopped." };
        }

        if (struck)
        {
            await MendAsync();
        }

        // A disturbance by others would invalidate the result of the experiment.
        if (_seen.Rows?.Exits.FirstOrDefault(exit => exit.AskedBy is not (null or By)) is { } foreign)
        {
            _run = _run with { Aborted = _run.Aborted ?? $"It was disturbed: {foreign.ComponentId} was {WireName.Of(foreign.Cause)}, asked for by {foreign.AskedBy}." };
        }

        await EndAsync();
    }

    private async Task SteadyAsync(CancellationToken cancellationToken)
    {
        Note("wait until all is whole");
        Do($"all has to be whole for {SteadyFor.TotalSeconds:0} s");
        var from = await ReadOffsetsAsync(cancellationToken);
        long? wholeSince = null;
        string? obstacle = null;
        var steady = await ObserveUntilAsync(
            () =>
            {
                obstacle = SteadyState.Obstacle(_snapshot, null);
                wholeSince = obstacle is null ? wholeSince ?? time.GetTimestamp() : null;
                Do(obstacle is null ? $"all has to be whole for {SteadyFor.TotalSeconds:0} s" : $"not whole yet: {obstacle}");
                return wholeSince is { } since && time.GetElapsedTime(since) >= SteadyFor;
            },
            SteadyWithin,
            cancellationToken);
        if (!steady || _seen.Rows is not { } rows || _snapshot is not { } snapshot || from is null)
        {
            throw new RunAbortedException($"There was no steady state within {SteadyWithin.TotalSeconds:0} s: {obstacle ?? "the database does not answer"}.");
        }

        _from = from;
        _consumers = snapshot.ActiveConsumers().Count();
        _seen = _seen with
        {
            Before = rows.Totals,
            Owners = snapshot.Cluster.Partitions.Where(each => each.Owner is not null).ToDictionary(each => each.Partition, each => each.Owner!),
            LagLevel = _seen.Lags.SelectMany(sample => sample.Partitions).GroupBy(pair => pair.Key)
                .ToDictionary(group => group.Key, group => group.TakeLast((int)SteadyFor.TotalSeconds).Max(pair => pair.Value)),
            Victims = VictimChoice.Choose(_run.Experiment.Victims, snapshot),
        };
        Note($"all is whole: {_consumers} consumers, {_seen.Owners.Count} partitions, {snapshot.Metrics.Pipeline?.AcknowledgedPerSecond:0.#} readings/s");
    }

    // Before anything is broken, so that a successor of this process can undo it, too.
    private async Task NoteUndoAsync(CancellationToken cancellationToken)
    {
        try
        {
            undoFile.Write(Undoing());
            await store.WriteAsync(RunReport.Body(_run, _seen), Undoing(), cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException or UnauthorizedAccessException && !cancellationToken.IsCancellationRequested)
        {
            throw new RunAbortedException($"What will have to be undone could not be written down: {exception.Message}");
        }
    }

    private Scene Scene => new(_seen.Victims, _consumers, _snapshot?.Metrics.Pipeline?.AcknowledgedPerSecond ?? 0);

    private ControlCommand[] Undoing() => [.. _run.Experiment.Undo.SelectMany(step => step.Commands(Scene))];

    private async Task TakeAsync(Step step, CancellationToken cancellationToken)
    {
        var scene = Scene;
        Note(step.Describe(scene));
        var asked = time.GetUtcNow();
        _seen = _seen with { AskedAt = _seen.AskedAt ?? asked };
        var answers = await SendAsync(step.Commands(scene), cancellationToken);
        if (_seen.AskedAt == asked && answers.Min(answer => answer.At) is { } at)
        {
            _seen = _seen with { AskedAt = at };
        }

        if (answers.Sum(answer => answer.Acknowledged) is { } sent and > 0)
        {
            _seen = _seen with { PoisonSent = sent };
        }

        Enter(ExperimentPhases.Observation);
        var until = step.Until;
        Do(Waiting(until));
        var reached = await ObserveUntilAsync(() => time.GetUtcNow() - asked >= until.For && Holds(until), ObservedFor + until.For, cancellationToken);
        Note(reached ? $"reached: {Waiting(until)}" : $"not reached within {(ObservedFor + until.For).TotalSeconds:0} s: {Waiting(until)}");
    }

    private async Task<IReadOnlyList<CommandAnswer>> SendAsync(IEnumerable<ControlCommand> commands, CancellationToken cancellationToken)
    {
        var answers = Task.WhenAll(commands.Select(command => control.SendAsync(command, By, cancellationToken)));
        while (await Task.WhenAny(answers, Task.Delay(Interval, time, cancellationToken)) != answers)
        {
            await ObserveAsync(cancellationToken);
        }

        return await answers;
    }

    // Runs also when this process is stopping.
    private async Task MendAsync()
    {
        Enter(ExperimentPhases.Recovery);
        _seen = _seen with { UndoneAt = time.GetUtcNow() };
        using var limit = new CancellationTokenSource(MendWithin, time);
        foreach (var step in _run.Experiment.Undo)
        {
            Note(step.Describe(Scene));
        }

        await UndoAsync(Undoing(), NoteRefusal, limit.Token);

        void NoteRefusal(ControlCommand command, string? refusal)
        {
            if (refusal is not null)
            {
                Note(refusal);
            }
        }
    }

    /// <param name="commands">The commands, sent in their order.</param>
    /// <param name="answered">
    /// Called for each command with the reason why it was not executed (never broken, already repaired, or something worse), or null. Whether all is well is
    /// checked next.
    /// </param>
    /// <param name="cancellationToken">Stops without an exception.</param>
    private async Task UndoAsync(IEnumerable<ControlCommand> commands, Action<ControlCommand, string?> answered, CancellationToken cancellationToken)
    {
        foreach (var command in commands)
        {
            try
            {
                await control.SendAsync(command, By, cancellationToken);
                answered(command, null);
            }
            catch (ControlException exception)
            {
                answered(command, exception.Message);
            }
            catch (OperationCanceledException)
            {
                answered(command, $"no answer in time: {command}");
            }
        }
    }

    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        string? obstacle = null;
        var whole = false;
        for (var since = time.GetTimestamp(); !whole && time.GetElapsedTime(since) < WholeWithin;)
        {
            whole = await ObserveUntilAsync(
                () =>
                {
                    obstacle = SteadyState.Obstacle(_snapshot, _consumers);
                    Do(obstacle is null ? "all is whole" : $"not whole yet: {obstacle}");
                    return obstacle is null;
                },
                MendAgainAfter,
                cancellationToken);
            if (!whole)
            {
                // On a busy machine, a killed process may still have been considered running when it was to be started.
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(MendAgainAfter);
                await UndoAsync(Undoing(), (_, _) => { }, limit.Token);
            }
        }

        if (!whole)
        {
            Note($"not whole within {WholeWithin.TotalSeconds:0} s: {obstacle}");
            return;
        }

        _seen = _seen with { WholeAt = time.GetUtcNow() };
        Note("all is whole again");
        Do("the account has to be settled");
        await ObserveAsync(cancellationToken);
        if (await ObserveUntilAsync(() => _seen.Rows is { Unsettled: 0 } && _lookedAt > _seen.WholeAt, WholeWithin, cancellationToken))
        {
            _seen = _seen with { SettledAt = time.GetUtcNow() };
            Note("the account is settled");
        }
        else
        {
            Note($"the account is not settled after {WholeWithin.TotalSeconds:0} s");
        }

        await ReadStoredAsync(cancellationToken);
    }

    private async Task EndAsync()
    {
        undoFile.Delete();
        _run = _run with { Phase = ExperimentPhases.Verdict, Step = null, EndedAt = time.GetUtcNow() };
        var body = RunReport.Body(_run, _seen);
        _running = body;
        Log.Ended(logger, _run.Id, _run.Experiment.Name, body.Verdict, body.Reason ?? string.Join(' ', body.Checks.Where(check => check.Passed != true).Select(check => check.Reason)));
        using var timer = new PeriodicTimer(Interval, time);
        for (var attempt = 0; attempt < 60; attempt++)
        {
            try
            {
                await store.WriteAsync(body, [], CancellationToken.None);
                break;
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
            {
                Log.Unwritten(logger, LogLevel.Warning, exception.Message);
                await timer.WaitForNextTickAsync(CancellationToken.None);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Run {Id} of the experiment {Name} has begun")]
        public static partial void Begun(ILogger logger, long id, string name);

        [LoggerMessage(LogLevel.Information, "Run {Id} of the experiment {Name} has ended: {Verdict} {Reason}")]
        public static partial void Ended(ILogger logger, long id, string name, string verdict, string reason);

        [LoggerMessage(LogLevel.Information, "The fault lab ended during a run; what was broken is undone: {Answer}")]
        public static partial void Undone(ILogger logger, string answer);

        [LoggerMessage("Cannot write the state of experiments: {Reason}")]
        public static partial void Unwritten(ILogger logger, LogLevel level, string reason);
    }
}
