using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

public sealed partial class IngestStore
{
    /// <summary>Ranges settled in one transaction; the rest waits for the next.</summary>
    private const int MaxRanges = 5_000;

    // A range that is not known in memory is looked up in this many offsets before its highest.
    private const int MaxLookBack = 200_000;

    private const string SelectRanges = """
        SELECT a.id, a.producer_id, a.sensor_id, a.sequence_id, a.kafka_partition, a.first_count, a.last_count, a.max_offset
        FROM unnest($2::int[], $3::bigint[]) u(p, below)
        JOIN acknowledgements a ON a.log_key = $1 AND a.kafka_partition = u.p AND a.max_offset < u.below
        ORDER BY a.id LIMIT $4
        """;

    // All ranges at once: the readings of that time are scanned once, using only the index on their time.
    private const string SelectSeen = """
        WITH unseen AS MATERIALIZED (
            SELECT * FROM unnest($2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
                u(n, kafka_partition, max_offset, first_count, last_count, sensor_id, sequence_id)
        ), times AS MATERIALIZED (
            SELECT min(t.first_time) AS first_time, max(t.last_time) AS last_time
            FROM (SELECT kafka_partition, min(max_offset) AS low, max(max_offset) AS high FROM unseen GROUP BY 1) p,
                reading_times($1, p.kafka_partition, p.low - $9, p.high) t
        )
        SELECT u.n, r.reading_count, false FROM unseen u
        JOIN sensor_descriptions d ON d.sensor_id = u.sensor_id AND d.sequence_id IS NOT DISTINCT FROM u.sequence_id
        JOIN readings r ON r.sensor_key = d.sensor_key AND r.log_key = $1 AND r.kafka_partition = u.kafka_partition
            AND r.kafka_offset BETWEEN u.max_offset - $9 AND u.max_offset AND r.reading_count BETWEEN u.first_count AND u.last_count
        WHERE r.processing_timestamp BETWEEN (SELECT first_time FROM times) AND (SELECT last_time FROM times)
        UNION
        SELECT u.n, m.reading_count, true FROM unseen u
        JOIN rejected_messages m ON m.log_key = $1 AND m.kafka_partition = u.kafka_partition AND m.kafka_offset BETWEEN u.max_offset - $9 AND u.max_offset
            AND m.reading_count BETWEEN u.first_count AND u.last_count AND m.sensor_id = u.sensor_id AND m.sequence_id IS NOT DISTINCT FROM u.sequence_id
        ORDER BY 3
        """;

    private const string AddToLedger = """
        INSERT INTO ledger AS l (log_key, producer_id, kafka_partition, acknowledged, stored, rejected, missing)
        SELECT $1, u.* FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) u(producer_id, p, acknowledged, stored, rejected, missing)
        ORDER BY 2, 3
        ON CONFLICT (producer_id, log_key, kafka_partition) DO UPDATE SET
            acknowledged = l.acknowledged + excluded.acknowledged, stored = l.stored + excluded.stored,
            rejected = l.rejected + excluded.rejected, missing = l.missing + excluded.missing
        """;

    private const string DeleteRanges = "DELETE FROM acknowledgements WHERE id = ANY ($1)";

    /// <summary>Moves the acknowledged ranges below the snapshots' offsets into the ledger.</summary>
    private async Task SettleAsync(
        NpgsqlConnection connection, IngestWrite write, Func<IReadOnlyList<AcknowledgedRange>, Settlement> settle, CancellationToken cancellationToken)
    {
        var ranges = new List<AcknowledgedRange>();
        await using (var select = new NpgsqlCommand(SelectRanges, connection))
        {
            select.Parameters.Add(new NpgsqlParameter<short> { TypedValue = write.Log.LogKey });
            select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. write.Moves.Select(move => move.Partition)] });
            select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. write.Moves.Select(move => move.MemoryAt)] });
            select.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MaxRanges });
            await using var reader = await select.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                ranges.Add(new AcknowledgedRange(
                    reader.GetInt64(0),
                    reader.GetString(1),
                    reader.GetString(2),
                    await reader.IsDBNullAsync(3, cancellationToken) ? null : reader.GetString(3),
                    reader.GetInt32(4),
                    reader.GetInt64(5),
                    reader.GetInt64(6),
                    reader.GetInt64(7)));
            }
        }

        write.Missing = 0;
        if (ranges.Count == 0)
        {
            return;
        }

        var settlement = settle(ranges);
        var accounts = new Dictionary<(string Producer, int Partition), (long Acknowledged, long Rejected, long Missing)>();
        foreach (var range in settlement.Ranges)
        {
            var key = (range.ProducerId, range.Partition);
            var account = accounts.GetValueOrDefault(key);
            accounts[key] = account with { Acknowledged = account.Acknowledged + range.Count };
        }

        var violations = new List<ViolationRow>();
        var lookups = await FindMissingAsync(connection, write.Log, settlement.Unseen, cancellationToken);
        foreach (var (unseen, rejected, missing) in lookups)
        {
            var key = (unseen.Range.ProducerId, unseen.Range.Partition);
            var account = accounts[key];
            accounts[key] = account with
            {
                Rejected = account.Rejected + rejected,
                Missing = account.Missing + missing.Sum(range => range.Last - range.First + 1),
            };
            violations.AddRange(missing.Select(range =>
                new ViolationRow("missing", unseen.Range.SensorId, unseen.Range.ProducerId, range.First, range.Last, unseen.Range.Partition, unseen.Range.MaxOffset)));
        }

        write.Missing = accounts.Values.Sum(account => account.Missing);
        await using var batch = new NpgsqlBatch(connection);
        AddViolations(batch, write.Log, violations);
        var rows = accounts.ToList();
        var ledger = Add(batch, AddToLedger);
        ledger.Parameters.Add(new NpgsqlParameter<short> { TypedValue = write.Log.LogKey });
        ledger.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. rows.Select(row => row.Key.Producer)] });
        ledger.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(row => row.Key.Partition)] });
        ledger.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(row => row.Value.Acknowledged)] });
        ledger.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(row => row.Value.Acknowledged - row.Value.Rejected - row.Value.Missing)] });
        ledger.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(row => row.Value.Rejected)] });
        ledger.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(row => row.Value.Missing)] });
        Add(batch, DeleteRanges).Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. settlement.Ranges.Select(range => range.Id)] });
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<List<(UnseenRange Range, long Rejected, List<(long First, long Last)> Missing)>> FindMissingAsync(
        NpgsqlConnection connection, LogTopic log, IReadOnlyList<UnseenRange> unseen, CancellationToken cancellationToken)
    {
        var seen = unseen.Select(_ => new HashSet<long>()).ToList();
        var rejected = new long[unseen.Count];
        if (unseen.Count > 0)
        {
            await using var select = new NpgsqlCommand(SelectSeen, connection);
            select.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
            select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. Enumerable.Range(0, unseen.Count)] });
            select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. unseen.Select(one => one.Range.Partition)] });
            select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. unseen.Select(one => one.Range.MaxOffset)] });
            select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. unseen.Select(one => one.FirstCount)] });
            select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. unseen.Select(one => one.LastCount)] });
            select.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. unseen.Select(one => one.Range.SensorId)] });
            select.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. unseen.Select(one => one.Range.SequenceId)] });
            select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = MaxLookBack });
            await using var reader = await select.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var n = reader.GetInt32(0);
                if (seen[n].Add(reader.GetInt64(1)) && reader.GetBoolean(2))
                {
                    rejected[n]++;
                }
            }
        }

        return [.. unseen.Select((one, n) => (one, rejected[n], MissingOf(one, seen[n])))];
    }

    private static List<(long First, long Last)> MissingOf(UnseenRange unseen, HashSet<long> seen)
    {
        var missing = new List<(long First, long Last)>();
        for (var count = unseen.FirstCount; count <= unseen.LastCount; count++)
        {
            if (seen.Contains(count))
            {
                continue;
            }

            if (missing.Count > 0 && missing[^1].Last == count - 1)
            {
                missing[^1] = (missing[^1].First, count);
            }
            else
            {
                missing.Add((count, count));
            }
        }

        return missing;
    }
}
