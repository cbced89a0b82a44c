using System.Text.Json;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Monitoring;
using Npgsql;
using NpgsqlTypes;

namespace FactoryMonitoring.Data.Experiments;

/// <param name="Runs">Runs that reached a verdict.</param>
/// <param name="RecoveryP50Ms">Null before five of them have recovered: a percentile of fewer says nothing.</param>
/// <param name="RecoveryP95Ms">As the p50.</param>
public sealed record ExperimentRecord(string Name, int Runs, int Passed, int? RecoveryP50Ms, int? RecoveryP95Ms);

/// <summary>Stores the runs of experiments.</summary>
public sealed class ExperimentStore(NpgsqlDataSource dataSource)
{
    private const string Columns =
        "SELECT id, name, started_at, ended_at, verdict, group_protocol, kafka_backing, victim, recovery_ms, delayed, lost, doubled FROM experiment_runs";

    private const string Insert = """
        INSERT INTO experiment_runs (name, started_at, verdict, group_protocol, kafka_backing) VALUES ($1, $2, 'RUNNING', $3, $4) RETURNING id
        """;

    private const string Update = """
        UPDATE experiment_runs SET ended_at = $2, verdict = $3, victim = $4, recovery_ms = $5, delayed = $6, lost = $7, doubled = $8, report = $9, undo = $10
        WHERE id = $1
        """;

    private const string Abandon =
        "UPDATE experiment_runs SET verdict = 'ABORTED', ended_at = clock_timestamp() WHERE verdict = 'RUNNING' AND id <> $1";

    private const string Unfinished =
        "SELECT report, undo FROM experiment_runs WHERE verdict = 'RUNNING' AND id <> $1 AND report IS NOT NULL ORDER BY id";

    private const string Newest = $"""
        {Columns} WHERE ($1 IS NULL OR name = $1) AND ($3 IS NULL OR started_at >= $3) AND ($4 IS NULL OR started_at <= $4) ORDER BY id DESC LIMIT $2
        """;

    private const string NewestOfEach =
        $"SELECT DISTINCT ON (name) * FROM ({Columns}) r ORDER BY name, id DESC";

    private const string Records = """
        SELECT name, count(*)::integer, (count(*) FILTER (WHERE verdict = 'PASS'))::integer,
               CASE WHEN count(recovery_ms) >= 5 THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY recovery_ms) END,
               CASE WHEN count(recovery_ms) >= 5 THEN percentile_disc(0.95) WITHIN GROUP (ORDER BY recovery_ms) END
        FROM experiment_runs
        WHERE verdict IN ('PASS', 'FAIL') AND group_protocol IS NOT DISTINCT FROM $1 AND kafka_backing IS NOT DISTINCT FROM $2
        GROUP BY name
        """;

    private const string One = $"SELECT report FROM experiment_runs WHERE id = $1";

    /// <summary>Records the start of a run.</summary>
    /// <returns>The run's id.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<long> BeginAsync(
        string name, DateTimeOffset startedAt, string? groupProtocol, string? kafkaBacking, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Insert);
        command.Parameters.Add(Parameters.Text(name));
        command.Parameters.Add(Parameters.Timestamp(startedAt));
        command.Parameters.Add(Parameters.Text(groupProtocol));
        command.Parameters.Add(Parameters.Text(kafkaBacking));
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Overwrites the record of a run with its progress or its result.</summary>
    /// <param name="run">The run.</param>
    /// <param name="undo">The commands for the control endpoint that undo what the run breaks from now on.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task WriteAsync(ExperimentRunBody run, IReadOnlyList<ControlCommand> undo, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(run);
        await using var command = dataSource.CreateCommand(Update);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = run.Id });
        command.Parameters.Add(Parameters.Timestamp(run.EndedAt));
        command.Parameters.Add(Parameters.Text(run.Verdict));
        command.Parameters.Add(Parameters.Text(run.Victim));
        command.Parameters.Add(Parameters.Integer(run.RecoveryMs));
        command.Parameters.Add(Parameters.Count(run.Delayed));
        command.Parameters.Add(Parameters.Count(run.Lost));
        command.Parameters.Add(Parameters.Count(run.Doubled));
        command.Parameters.Add(new() { Value = JsonSerializer.Serialize(run, ApiJson.Context.ExperimentRunBody), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. undo.Select(command => JsonSerializer.Serialize(command, ControlJson.Context.ControlCommand))] });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Returns the runs whose process exited before they ended, and what must be undone for each.</summary>
    /// <param name="except">A run that is in progress.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <returns>Omits commands that an earlier version wrote in another format.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<(ExperimentRunBody Run, IReadOnlyList<ControlCommand> Undo)>> UnfinishedAsync(long except, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Unfinished);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = except });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(
            row => (
                JsonSerializer.Deserialize(row.GetString(0), ApiJson.Context.ExperimentRunBody)!,
                (IReadOnlyList<ControlCommand>)[.. row.GetFieldValue<string[]>(1).Select(command => ControlCommand.Read(command).Command).OfType<ControlCommand>()]),
            cancellationToken);
    }

    /// <summary>Marks the remaining unfinished runs as aborted: they ended before anything else was recorded about them.</summary>
    /// <param name="except">A run that is in progress.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>The number of runs.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<int> AbandonAsync(long except, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Abandon);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = except });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Returns the newest runs, newest first.</summary>
    /// <param name="name">Only runs of this experiment; null for all.</param>
    /// <param name="limit">The maximum number of runs.</param>
    /// <param name="from">Only runs that were started then or later; null for all.</param>
    /// <param name="to">Only runs that were started then or earlier; null for all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<ExperimentRunSummary>> NewestAsync(
        string? name, int limit, DateTimeOffset? from, DateTimeOffset? to, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Newest);
        command.Parameters.Add(Parameters.Text(name));
        command.Parameters.Add(Parameters.Integer(limit));
        command.Parameters.Add(Parameters.Timestamp(from));
        command.Parameters.Add(Parameters.Timestamp(to));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(Summary, cancellationToken);
    }

    /// <summary>
    /// Returns the newest run of each experiment, and the statistics of the runs that reached a verdict with this protocol on these brokers.
    /// </summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<(IReadOnlyList<ExperimentRunSummary> Newest, IReadOnlyList<ExperimentRecord> Records)> RecordsAsync(
        string? groupProtocol, string? kafkaBacking, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new(NewestOfEach),
                new(Records) { Parameters = { Parameters.Text(groupProtocol), Parameters.Text(kafkaBacking) } },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return (
            await reader.RowsAsync(Summary, cancellationToken),
            await reader.RowsAsync(
                row => new ExperimentRecord(row.GetString(0), row.GetInt32(1), row.GetInt32(2), row.Value<int>(3), row.Value<int>(4)), cancellationToken));
    }

    /// <summary>Returns the whole report of a run that has ended.</summary>
    /// <returns>Null if there is no run with this id, or it has no report.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<ExperimentRunBody?> FindAsync(long id, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(One);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        return await command.ExecuteScalarAsync(cancellationToken) is string report
            ? JsonSerializer.Deserialize(report, ApiJson.Context.ExperimentRunBody)
            : null;
    }

    private static ExperimentRunSummary Summary(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.Timestamp(2), row.Value<DateTimeOffset>(3), row.GetString(4), row.Text(5), row.Text(6), row.Text(7),
        row.Value<int>(8), row.Value<long>(9), row.Value<long>(10), row.Value<long>(11));
}
