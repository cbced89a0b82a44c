using System.Data;
using System.Diagnostics;
using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>
/// Stores what a consumer has read, exactly once: readings, counters, alerts and outgoing messages in the transaction that moves the
/// partitions' offsets. The last consumer to claim a partition owns it; writes from any other consumer are refused by epoch and next_offset.
/// Keeps one connection, and must be used by one caller at a time.
/// </summary>
/// <remarks>
/// Does not wait for a stopped process that holds locks: after 1 s, or 0.3 s for a claim, the partition's current owner terminates its
/// backends. It identifies them by their application_name; other sessions are not affected.
/// </remarks>
public sealed partial class IngestStore(NpgsqlDataSource dataSource, string consumerId, DictionaryStore dictionaries) : IAsyncDisposable
{
    /// <summary>Prefix of the application_name of a session that stores.</summary>
    internal const string SessionName = "ingest of ";

    // A prepared statement keeps the plan that was best while its table was small, until the table is analyzed: minutes of scanning all alerts for each
    // batch. Every statement here finds its rows by an index. The cost assigned to an unavoidable scan must not trigger JIT compilation.
    private const string SessionSettings = """
        SELECT set_config('lock_timeout', '1s', false), set_config('idle_in_transaction_session_timeout', '5s', false), set_config('application_name', $1, false),
            clock_timestamp(), set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)
        """;

    private const string SelectClock = "SELECT clock_timestamp()";

    // Npgsql has spans for commands, but not for the end of a transaction.
    private static readonly ActivitySource Spans = new("FactoryMonitoring.Data");

    private static readonly TimeSpan ClockInterval = TimeSpan.FromMinutes(10);

    private NpgsqlConnection? _connection;
    private int? _generation;
    private DateTime _clock;
    private long _clockReadAt;

    /// <summary>The key of this consumer in its readings; 0 before the first session.</summary>
    public int ConsumerKey { get; private set; }

    /// <summary>The current time by the database's clock, extrapolated from its last reading; stored data carries no other time.</summary>
    /// <exception cref="InvalidOperationException">Nothing has been claimed yet.</exception>
    public DateTime UtcNow => _clockReadAt == 0 ? throw new InvalidOperationException("The database's clock has not been read yet") : _clock + Stopwatch.GetElapsedTime(_clockReadAt);

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
            _connection = null;
        }
    }

    /// <summary>Runs <paramref name="work"/> in a transaction; after a lock timeout, once more after terminating its blockers.</summary>
    /// <param name="epochs">
    /// Blockers are terminated only while these are the partitions' epochs; empty for a claim, which is authorized by the group.
    /// </param>
    private async Task<T> InTransactionAsync<T>(
        LogTopic log,
        IReadOnlyList<(int Partition, long Epoch)> epochs,
        Func<NpgsqlConnection, CancellationToken, Task<(bool Commit, T Result)>> work,
        CancellationToken cancellationToken)
    {
        try
        {
            return await AttemptAsync(work, cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            var connection = await ConnectAsync(cancellationToken);
            using var finished = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var eviction = EvictBlockersAsync(connection.ProcessID, log, epochs, finished.Token);
            try
            {
                return await AttemptAsync(work, cancellationToken);
            }
            finally
            {
                await finished.CancelAsync();
                await eviction.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<T> AttemptAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<(bool Commit, T Result)>> work, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        NpgsqlTransaction? transaction = null;
        try
        {
            transaction = await connection.BeginTransactionAsync(cancellationToken);
            var (commit, result) = await work(connection, cancellationToken);
            if (commit)
            {
                using var span = Spans.StartActivity("COMMIT", ActivityKind.Client);
                span?.SetTag("db.system.name", "postgresql").SetTag("db.namespace", connection.Database).SetTag("db.operation.name", "COMMIT");
                await transaction.CommitAsync(cancellationToken);
            }
            else
            {
                await transaction.RollbackAsync(cancellationToken);
            }

            await transaction.DisposeAsync();
            return result;
        }
        catch (Exception exception)
        {
            var isOpen = connection.FullState == ConnectionState.Open;
            if (exception is PostgresException && isOpen && DatabaseFaults.Of(exception) != DatabaseFault.SessionLost)
            {
                await RollBackAsync(transaction);
                throw;
            }

            // After any other failure the state of the session is unknown.
            await AbandonAsync();
            if (exception is InvalidOperationException && !isOpen)
            {
                // The exception that Npgsql throws when a connection broke between two statements.
                throw new NpgsqlException("The session has ended", exception);
            }

            throw;
        }
    }

    private async Task RollBackAsync(NpgsqlTransaction? transaction)
    {
        try
        {
            if (transaction is not null)
            {
                await transaction.DisposeAsync();
            }
        }
        catch (NpgsqlException)
        {
            await AbandonAsync();
        }
    }

    private async Task AbandonAsync()
    {
        var connection = _connection;
        _connection = null;
        if (connection is not null)
        {
            // Otherwise the pool would return the same session again.
            dataSource.Clear();
            await connection.DisposeAsync();
        }
    }

    private async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is { FullState: ConnectionState.Open } open)
        {
            if (Stopwatch.GetElapsedTime(_clockReadAt) >= ClockInterval)
            {
                await using var clock = new NpgsqlCommand(SelectClock, open);
                SetClock((DateTime)(await clock.ExecuteScalarAsync(cancellationToken))!);
            }

            return open;
        }

        await DisposeAsync();
        var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var settings = new NpgsqlCommand(SessionSettings, connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = SessionName + consumerId } } };
            await using var reader = await settings.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            SetClock(reader.GetDateTime(3));
            await reader.CloseAsync();
            await VerifyAsync(connection, cancellationToken);
        }
        catch
        {
            // Otherwise the pool would return the same session again.
            dataSource.Clear();
            await connection.DisposeAsync();
            throw;
        }

        return _connection = connection;
    }

    /// <exception cref="DatabaseReplacedException">Thrown once; from then on the keys are those of the current database.</exception>
    private async Task VerifyAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await dictionaries.VerifyAsync(connection, cancellationToken);
        var before = _generation;
        if (before != dictionaries.Generation)
        {
            ConsumerKey = await dictionaries.ConsumerKeyAsync(consumerId, cancellationToken);
            _generation = dictionaries.Generation;
            if (before is not null)
            {
                throw new DatabaseReplacedException();
            }
        }
    }

    private void SetClock(DateTime now) => (_clock, _clockReadAt) = (now, Stopwatch.GetTimestamp());

    // pg_blocking_pids returns blockers only while the blocked session waits, so another session calls it. A resumed predecessor must not terminate its
    // successor, hence the epochs.
    private const string TerminateBlockers = $"""
        SELECT count(pg_terminate_backend(a.pid))
        FROM pg_stat_activity a
        WHERE a.pid = ANY (pg_blocking_pids($1)) AND a.usename = current_user AND starts_with(a.application_name, '{SessionName}')
        AND NOT EXISTS (
            SELECT 1 FROM partition_offsets o JOIN unnest($4::int[], $5::bigint[]) m(kafka_partition, epoch) USING (kafka_partition)
            WHERE o.log_key = $2 AND o.topic = $3 AND o.epoch <> m.epoch)
        """;

    private async Task EvictBlockersAsync(int blocked, LogTopic log, IReadOnlyList<(int Partition, long Epoch)> epochs, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(TerminateBlockers);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = blocked });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = log.Topic });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. epochs.Select(epoch => epoch.Partition)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. epochs.Select(epoch => epoch.Epoch)] });
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            await command.ExecuteScalarAsync(cancellationToken);
        }
    }
}
