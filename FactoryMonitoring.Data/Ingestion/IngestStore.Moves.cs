using System.Diagnostics;
using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

public sealed partial class IngestStore
{
    private const long FirstStride = 10_000;

    private const long MaxStride = 1L << 40;

    // The other partitions of the lane wait for it.
    private const string MovePatience = "SET LOCAL statement_timeout = '1s'";

    private static readonly TimeSpan ShortMove = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongMove = TimeSpan.FromMilliseconds(400);

    /// <summary>How many offsets are moved at once: as many as do not take long.</summary>
    private long _stride = FirstStride;

    // A batch is moved as a whole, unless the log was cut within it: the audit expects the readings of a partition and time in one batch.
    private const string SelectStart = """
        SELECT GREATEST(o.cut_at, LEAST(w.start, (SELECT min(b.first_offset) FROM reading_batches b WHERE b.span && offset_span($1, $3, w.start, w.start + 1))))
        FROM partition_offsets o, LATERAL (SELECT GREATEST(o.cut_at, o.next_offset - $5) AS start) w
        WHERE o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = $3 AND o.epoch = $4 AND o.cut_at IS NOT NULL
        FOR UPDATE OF o
        """;

    private const string MoveAside = """
        WITH readings_moved AS (
            UPDATE readings SET log_key = $5
            WHERE log_key = $1 AND kafka_partition = $3 AND kafka_offset >= $4
              AND processing_timestamp BETWEEN (SELECT first_time FROM reading_times($1, $3, $4, 9223372036854775806)) AND (SELECT last_time FROM reading_times($1, $3, $4, 9223372036854775806))
            RETURNING reading_count, processing_timestamp, kafka_offset
        ), batches_moved AS (
            DELETE FROM reading_batches WHERE span && offset_span($1, $3, $4, 9223372036854775807) RETURNING *
        ), parts AS (
            SELECT b.*, COALESCE(m.readings, 0)::integer AS moved, COALESCE(m.messages, 0)::integer AS messages_moved
            FROM batches_moved b LEFT JOIN (
                SELECT processing_timestamp, count(*) AS readings, count(DISTINCT kafka_offset) AS messages FROM readings_moved GROUP BY 1
            ) m USING (processing_timestamp)
        ), batches AS (
            INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, messages, kafka_partition, consumer_key, log_key)
            SELECT processing_timestamp, first_offset, LEAST(next_offset, $4), stored - moved, COALESCE(messages, stored) - messages_moved, kafka_partition, consumer_key, log_key
            FROM parts WHERE stored > moved
            UNION ALL
            SELECT processing_timestamp, GREATEST(first_offset, $4), next_offset, moved, messages_moved, kafka_partition, consumer_key, $5
            FROM parts WHERE moved > 0
        ), rejected_moved AS (
            UPDATE rejected_messages SET log_key = $5 WHERE log_key = $1 AND kafka_partition = $3 AND kafka_offset >= $4 RETURNING 1
        ), moved AS (
            SELECT count(*) AS stored, count(DISTINCT kafka_offset) AS messages, count(*) - count(reading_count) AS uncounted,
                   (SELECT count(*) FROM rejected_moved) AS rejected
            FROM readings_moved
        ), account AS (
            UPDATE partition_offsets a SET first_offset = $4, released_at = clock_timestamp(), stored = a.stored + moved.stored, messages = a.messages + moved.messages,
                uncounted = a.uncounted + moved.uncounted, rejected = a.rejected + moved.rejected
            FROM moved
            WHERE a.log_key = $5 AND a.topic = $2 AND a.kafka_partition = $3
        )
        UPDATE partition_offsets o SET next_offset = $4, cut_at = NULLIF(o.cut_at, $4), stored = o.stored - moved.stored, messages = o.messages - moved.messages,
            uncounted = o.uncounted - moved.uncounted, rejected = o.rejected - moved.rejected
        FROM moved
        WHERE o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = $3
        RETURNING o.next_offset, o.cut_at, moved.messages + moved.rejected
        """;

    /// <summary>
    /// Moves stored messages that the log has lost to a log of their own: those with the highest offsets, in a transaction of its own, which leaves both accounts
    /// as if the log had been cut where they begin. Whoever claims the partition next goes on from there.
    /// </summary>
    /// <param name="claimed">A claim with <see cref="ClaimedPartition.CutAt"/>.</param>
    /// <returns>The claim with the rest that is to be moved; null if the partition is no longer ours.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached, or its answer did not arrive: move on, from the same claim.</exception>
    public async Task<ClaimedPartition?> MoveAsideAsync(LogTopic log, ClaimedPartition claimed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(claimed);
        var aside = await AsideKeyAsync(log, claimed, cancellationToken);
        var started = Stopwatch.GetTimestamp();
        try
        {
            var rest = await InTransactionAsync<ClaimedPartition?>(log, [(claimed.Partition, claimed.Epoch)], async (connection, token) =>
            {
                await using var start = Command(connection, SelectStart, log);
                start.Parameters.Add(new NpgsqlParameter<int> { TypedValue = claimed.Partition });
                start.Parameters.Add(new NpgsqlParameter<long> { TypedValue = claimed.Epoch });
                start.Parameters.Add(new NpgsqlParameter<long> { TypedValue = _stride });
                if (await start.ExecuteScalarAsync(token) is not long from)
                {
                    return (false, null);
                }

                await using var move = Command(connection, MoveAside, log);
                if (_stride > 1)
                {
                    await using var patience = new NpgsqlCommand(MovePatience, connection);
                    await patience.ExecuteNonQueryAsync(token);
                }
                else
                {
                    // There is nothing smaller to move.
                    move.CommandTimeout = (int)MoveLimit.TotalSeconds;
                }

                move.Parameters.Add(new NpgsqlParameter<int> { TypedValue = claimed.Partition });
                move.Parameters.Add(new NpgsqlParameter<long> { TypedValue = from });
                move.Parameters.Add(new NpgsqlParameter<short> { TypedValue = aside });
                await using var reader = await move.ExecuteReaderAsync(token);
                await reader.ReadAsync(token);
                return (true, claimed with
                {
                    NextOffset = reader.GetInt64(0),
                    CutAt = await reader.IsDBNullAsync(1, token) ? null : reader.GetInt64(1),
                    MovedAside = claimed.MovedAside + reader.GetInt64(2),
                });
            }, cancellationToken);
            var took = Stopwatch.GetElapsedTime(started);
            _stride = took < ShortMove ? Math.Min(_stride * 2, MaxStride) : took > LongMove ? Math.Max(_stride / 2, 1) : _stride;
            return rest;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.QueryCanceled && _stride > 1)
        {
            _stride = Math.Max(1, Math.Min(_stride, claimed.NextOffset - claimed.CutAt!.Value) / 4);
            return claimed;
        }
    }
}
