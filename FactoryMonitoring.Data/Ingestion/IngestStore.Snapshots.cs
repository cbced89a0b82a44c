using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

public sealed partial class IngestStore
{
    // A partition whose memory has never been stored has no row yet: what is read again begins where it began.
    private const string InsertPlace = """
        INSERT INTO detector_snapshots (log_key, topic, kafka_partition, snapshot_offset, state)
        SELECT log_key, topic, kafka_partition, first_offset, '' FROM partition_offsets WHERE log_key = $1 AND topic = $2 AND kafka_partition = $3
        ON CONFLICT DO NOTHING
        """;

    // Parts of a snapshot that a predecessor did not complete, and a part whose COMMIT was not answered.
    private const string DeleteIncomplete = """
        DELETE FROM detector_changes c USING detector_snapshots s
        WHERE c.log_key = $1 AND c.topic = $2 AND c.kafka_partition = $3 AND s.log_key = $1 AND s.topic = $2 AND s.kafka_partition = $3
            AND c.id > GREATEST(s.last_change, $4)
        """;

    // A few at a time, because they may be large: more than are added.
    private const string DeleteReplaced = """
        DELETE FROM detector_changes WHERE log_key = $1 AND topic = $2 AND kafka_partition = $3 AND id IN (
            SELECT c.id FROM detector_changes c JOIN detector_snapshots s USING (log_key, topic, kafka_partition)
            WHERE c.log_key = $1 AND c.topic = $2 AND c.kafka_partition = $3 AND c.id < s.first_change
            ORDER BY c.id LIMIT 4)
        """;

    private const string InsertPart =
        "INSERT INTO detector_changes (log_key, topic, kafka_partition, state, is_continued) VALUES ($1, $2, $3, $4, $5) RETURNING id";

    private const string PutInForce = """
        UPDATE detector_snapshots SET snapshot_offset = $4, last_change = $6, written_at = $7,
            state = CASE WHEN $8 THEN state ELSE '' END, first_change = CASE WHEN $8 THEN first_change ELSE $5 END
        WHERE log_key = $1 AND topic = $2 AND kafka_partition = $3
        """;

    /// <summary>
    /// Stores a part of a snapshot, in a transaction of its own. It has no effect until <see cref="PutInForceAsync"/>; parts that are never put in force are deleted
    /// by whoever stores the next.
    /// </summary>
    /// <param name="isContinued">It is not the last part.</param>
    /// <param name="after">The part before it; 0 if it is the first.</param>
    /// <returns>The part; null if the partition is no longer ours.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached, or does not store it in time: store it again, or less of it.</exception>
    public Task<long?> StorePartAsync(LogTopic log, int partition, long epoch, ReadOnlyMemory<byte> part, bool isContinued, long after, CancellationToken cancellationToken) =>
        InTransactionAsync<long?>(log, [(partition, epoch)], async (connection, token) =>
        {
            if (!await HoldAsync(connection, log, partition, epoch, token))
            {
                return (false, null);
            }

            await using var batch = new NpgsqlBatch(connection);
            AddOfPartition(batch, InsertPlace, log, partition);
            AddOfPartition(batch, DeleteIncomplete, log, partition).Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
            AddOfPartition(batch, DeleteReplaced, log, partition);
            var insert = AddOfPartition(batch, InsertPart, log, partition);
            insert.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = part });
            insert.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = isContinued });
            return (true, (long)(await batch.ExecuteScalarAsync(token))!);
        }, cancellationToken);

    /// <summary>Makes the parts from <paramref name="first"/> to <paramref name="last"/> the partition's memory, or what has changed of it.</summary>
    /// <param name="snapshot">What the parts are together. The partition's next offset must not be below its offset.</param>
    /// <param name="writtenAt">The time by which it was written, UTC.</param>
    /// <returns>False if the partition is no longer ours.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached, or its answer did not arrive: put them in force again.</exception>
    public Task<bool> PutInForceAsync(LogTopic log, long epoch, SnapshotRow snapshot, long first, long last, DateTime writtenAt, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return InTransactionAsync(log, [(snapshot.Partition, epoch)], async (connection, token) =>
        {
            if (!await HoldAsync(connection, log, snapshot.Partition, epoch, token))
            {
                return (false, false);
            }

            await using var command = Command(connection, PutInForce, log);
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = snapshot.Partition });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = snapshot.Offset });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = last });
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = writtenAt });
            command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = snapshot.IsChange });
            await command.ExecuteNonQueryAsync(token);
            return (true, true);
        }, cancellationToken);
    }

    /// <summary>Holds the partition until the end of the transaction: no part of ours may follow those of a successor.</summary>
    /// <returns>False if it is no longer ours.</returns>
    private static async Task<bool> HoldAsync(NpgsqlConnection connection, LogTopic log, int partition, long epoch, CancellationToken cancellationToken)
    {
        await using var hold = Command(connection, HoldOwned, log);
        hold.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [partition] });
        hold.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [epoch] });
        return (long)(await hold.ExecuteScalarAsync(cancellationToken))! == 1;
    }

    private static NpgsqlBatchCommand AddOfPartition(NpgsqlBatch batch, string sql, LogTopic log, int partition)
    {
        var command = Add(batch, sql, log);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = partition });
        return command;
    }
}
