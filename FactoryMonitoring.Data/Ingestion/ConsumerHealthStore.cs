using Npgsql;
using NpgsqlTypes;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>The state that a consumer reports every second.</summary>
/// <param name="Running">Time since its start.</param>
/// <param name="Condition">What it is doing, in words; null while it is healthy.</param>
public sealed record ConsumerPulse(
    string ConsumerId,
    int[] Partitions,
    int ProcessedLastMinute,
    long ProcessedTotal,
    TimeSpan Running,
    Guid InstanceId,
    int ProcessId,
    string Host,
    string GroupProtocol,
    string? Condition,
    long ResidentBytes);

/// <summary>A consumer's work in the second before this is written.</summary>
/// <param name="LatencyCounts">In LatencyHistogram's buckets, up to the last that is not 0.</param>
/// <param name="CommitMs">Mean duration of the second's batch transactions; null if there were none.</param>
/// <param name="Slowest">The reading that took longest from the sensor to its row; null if none was measured.</param>
public sealed record ConsumerSample(int Stored, int[] LatencyCounts, float? CommitMs, SlowestReading? Slowest = null);

/// <param name="Milliseconds">From the sensor to the row.</param>
/// <param name="TraceId">The trace of the batch that stored it, in hexadecimal; null if it was not recorded.</param>
public sealed record SlowestReading(long Milliseconds, string? TraceId);

/// <summary>Writes the consumer's heartbeat on a dedicated connection, because it must not wait for a batch.</summary>
public sealed class ConsumerHealthStore(NpgsqlDataSource dataSource) : IAsyncDisposable
{
    private const string Beat = """
        INSERT INTO consumer_health AS h (consumer_id, status, last_heartbeat, assigned_partitions, messages_processed_last_minute, total_messages_processed,
            started_at, instance_id, process_id, host, group_protocol, condition, resident_bytes)
        VALUES ($1, 'active', clock_timestamp(), $2, $3, $4, clock_timestamp() - $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (consumer_id) DO UPDATE SET
            status = excluded.status, last_heartbeat = excluded.last_heartbeat, assigned_partitions = excluded.assigned_partitions,
            messages_processed_last_minute = excluded.messages_processed_last_minute, total_messages_processed = excluded.total_messages_processed,
            started_at = CASE WHEN h.instance_id = excluded.instance_id THEN h.started_at ELSE excluded.started_at END, instance_id = excluded.instance_id, process_id = excluded.process_id, host = excluded.host,
            group_protocol = excluded.group_protocol, condition = excluded.condition, resident_bytes = excluded.resident_bytes
        """;

    private const string InsertSample =
        "INSERT INTO consumer_samples (at, consumer_id, stored, latency_histogram, commit_ms, slowest_ms, slowest_trace_id) VALUES (date_trunc('second', clock_timestamp()), $1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

    private const string SelectTotal = "SELECT COALESCE(sum(stored), 0)::bigint FROM ingest_totals WHERE consumer_key = $1";

    private const string Stop = """
        UPDATE consumer_health SET status = 'inactive', assigned_partitions = '{}', last_heartbeat = clock_timestamp(), condition = 'stopped'
        WHERE consumer_id = $1 AND instance_id = $2
        """;

    private NpgsqlConnection? _connection;

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
            _connection = null;
        }
    }

    /// <summary>Writes both, or, if the database has no space for more samples, only the pulse, which reuses the space of the previous one.</summary>
    /// <returns>False if there was no space for the sample, which is lost.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<bool> BeatAsync(ConsumerPulse pulse, ConsumerSample? sample, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pulse);
        try
        {
            await WriteAsync(pulse, sample, cancellationToken);
            return true;
        }
        catch (PostgresException exception) when (sample is not null && DatabaseFaults.IsNoRoom(exception))
        {
            await WriteAsync(pulse, null, cancellationToken);
            return false;
        }
    }

    /// <summary>Returns the number of readings that this consumer has stored since the beginning.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<long> StoredTotalAsync(int consumerKey, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(SelectTotal);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = consumerKey });
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Records that this instance has stopped, unless another instance has taken over its name.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task StopAsync(string consumerId, Guid instanceId, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Stop);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = consumerId });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = instanceId });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task WriteAsync(ConsumerPulse pulse, ConsumerSample? sample, CancellationToken cancellationToken)
    {
        try
        {
            _connection ??= await dataSource.OpenConnectionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(_connection);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Beat)
            {
                Parameters =
                {
                    new NpgsqlParameter<string> { TypedValue = pulse.ConsumerId },
                    new NpgsqlParameter<int[]> { TypedValue = pulse.Partitions },
                    new NpgsqlParameter<int> { TypedValue = pulse.ProcessedLastMinute },
                    new NpgsqlParameter<long> { TypedValue = pulse.ProcessedTotal },
                    new NpgsqlParameter<TimeSpan> { TypedValue = pulse.Running },
                    new NpgsqlParameter<Guid> { TypedValue = pulse.InstanceId },
                    new NpgsqlParameter<int> { TypedValue = pulse.ProcessId },
                    new NpgsqlParameter<string> { TypedValue = pulse.Host },
                    new NpgsqlParameter<string> { TypedValue = pulse.GroupProtocol },
                    new NpgsqlParameter { Value = (object?)pulse.Condition ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                    new NpgsqlParameter<long> { TypedValue = pulse.ResidentBytes },
                },
            });
            if (sample is not null)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(InsertSample)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<string> { TypedValue = pulse.ConsumerId },
                        new NpgsqlParameter<int> { TypedValue = sample.Stored },
                        new NpgsqlParameter<int[]> { TypedValue = sample.LatencyCounts },
                        new NpgsqlParameter { Value = (object?)sample.CommitMs ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Real },
                        new NpgsqlParameter { Value = (object?)sample.Slowest?.Milliseconds ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint },
                        new NpgsqlParameter { Value = (object?)sample.Slowest?.TraceId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Varchar },
                    },
                });
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }
}
