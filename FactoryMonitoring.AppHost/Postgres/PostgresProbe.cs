using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Monitoring;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>Checks the database with statements that need no table.</summary>
internal sealed class PostgresProbe(FactoryDatabase database) : IHealthCheck
{
    private const int Seconds = 3;

    // A sort that does not fit in memory is written to a temporary file, which needs disk space and is removed after the statement.
    private const string TakesRoom = """
        SELECT CASE WHEN current_setting('transaction_read_only')::boolean THEN 'the database is read-only: ALTER DATABASE ... RESET default_transaction_read_only, or name the primary' END;
        SELECT set_config('work_mem', '64kB', false);
        SELECT count(*) FROM (SELECT n FROM generate_series(1, 30000) n ORDER BY md5(n::text)) sorted
        """;

    private const string SelectUnassigned = """
        WITH alive AS (SELECT assigned_partitions FROM consumer_health WHERE status = 'active' AND last_heartbeat > clock_timestamp() - $1)
        SELECT string_agg(kafka_partition::text, ', ' ORDER BY kafka_partition) FROM partition_offsets
        WHERE log_key = (SELECT log_key FROM partition_offsets ORDER BY claimed_at DESC NULLS LAST LIMIT 1)
            AND EXISTS (SELECT FROM alive) AND NOT EXISTS (SELECT FROM alive WHERE kafka_partition = ANY (assigned_partitions))
        """;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await AskAsync(cancellationToken) is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy();

    /// <summary>Returns what is wrong; null when the database answers.</summary>
    public Task<string?> AskAsync(CancellationToken cancellationToken) => AskAsync("SELECT 1", cancellationToken);

    /// <summary>Returns what is wrong; null if the database answers, accepts writes and has half a megabyte of disk space. The check changes nothing.</summary>
    public Task<string?> AskForRoomAsync(CancellationToken cancellationToken) => AskAsync(TakesRoom, cancellationToken);

    /// <summary>Returns the sensors whose readings arrive in several partitions, as text; null if there are none or it is unknown.</summary>
    public Task<string?> ScatteredAsync(CancellationToken cancellationToken) => FindAsync(
        new NpgsqlCommand(MonitoringQueries.Scattered),
        row => row.GetInt64(0) is > 0 and var count
            ? $"{(count == 1 ? row.GetString(1) : $"{row.GetString(1)} and {count - 1} more")}: readings arrive in several partitions, and those in one of them are judged; send the sensor's id as the message's key"
            : null,
        cancellationToken);

    /// <summary>Returns the partitions that no active consumer has, as text; null if each has one, no consumer is active, or it is unknown.</summary>
    public Task<string?> UnassignedAsync(CancellationToken cancellationToken) => FindAsync(
        new NpgsqlCommand(SelectUnassigned) { Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = Liveness.HeartbeatLimit } } },
        row => row.IsDBNull(0)
            ? null
            : $"{row.GetString(0)}: no consumer has them at the moment. If that lasts, the brokers keep them for a consumer that is gone: set {EnvironmentNames.ConsumerGroup} to another name and restart the stack; the offsets are in the database",
        cancellationToken);

    private async Task<string?> FindAsync(NpgsqlCommand command, Func<NpgsqlDataReader, string?> describe, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection(await ConnectionStringAsync(cancellationToken));
            await connection.OpenAsync(cancellationToken);
            await using (command)
            {
                command.Connection = connection;
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                await reader.ReadAsync(cancellationToken);
                return describe(reader);
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            // Another finding reports that the database does not answer or has no tables yet.
            return null;
        }
    }

    private async Task<string> ConnectionStringAsync(CancellationToken cancellationToken) =>
        new NpgsqlConnectionStringBuilder(await database.ConnectionString.GetValueAsync(cancellationToken))
        {
            Timeout = Seconds,
            CommandTimeout = Seconds,
            Pooling = false,
            ApplicationName = "apphost",
        }.ConnectionString;

    private async Task<string?> AskAsync(string statement, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection(await ConnectionStringAsync(cancellationToken));
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand(statement, connection);
            return await command.ExecuteScalarAsync(cancellationToken) as string;
        }
        catch (PostgresException exception) when (DatabaseFaults.IsNoRoom(exception))
        {
            return $"the database has no room left on its disk: {exception.MessageText}";
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            return exception.InnerException is { } inner ? $"{exception.Message}: {inner.Message}" : exception.Message;
        }
    }
}
