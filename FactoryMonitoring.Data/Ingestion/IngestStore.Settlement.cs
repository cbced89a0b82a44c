using Npgsql;
using NpgsqlTypes;

namespace FactoryMonitoring.Data.Ingestion;

public sealed partial class IngestStore
{
    /// <summary>Ranges settled in one transaction; what is left waits for the next.</summary>
    private const int MaxRanges = 5_000;

    // A range that memory does not know is looked up in this many offsets before its highest.
    private const int LookBack = 200_000;

    private const string SelectRanges = """
        SELECT a.id, a.producer_id, a.sensor_id, a.sequence_id, a.kafka_partition, a.first_count, a.last_count, a.max_offset
        FROM unnest($2::int[], $3::bigint[]) u(p, below)
        JOIN acknowledgements a ON a.log_key = $1 AND a.kafka_partition = u.p AND a.max_offset < u.below
        ORDER BY a.id LIMIT $4
        """;

    private const string SelectSeen = """
        SELECT r.reading_count, false FROM readings r JOIN sensor_descriptions d USING (sensor_key)
        WHERE r.log_key = $1 AND r.kafka_partition = $2 AND r.kafka_offset BETWEEN $3 - $4 AND $3 AND r.reading_count BETWEEN $5 AND $6
            AND d.sensor_id = $7 AND d.sequence_id IS NOT DISTINCT FROM $8
        UNION
        SELECT reading_count, true FROM rejected_messages
        WHERE log_key = $1 AND kafka_partition = $2 AND kafka_offset BETWEEN $3 - $4 AND $3 AND reading_count BETWEEN $5 AND $6
            AND sensor_id = $7 AND sequence_id IS NOT DISTINCT FROM $8
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
        foreach (var unseen in settlement.Unseen)
        {
            var (rejected, missing) = await LookForAsync(connection, write.Log, unseen, cancellationToken);
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

    private static async Task<(long Rejected, List<(long First, long Last)> Missing)> LookForAsync(
        NpgsqlConnection connection, LogTopic log, UnseenRange unseen, CancellationToken cancellationToken)
    {
        var seen = new HashSet<long>();
        var rejected = 0L;
        await using (var select = new NpgsqlCommand(SelectSeen, connection))
        {
            select.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
            select.Parameters.Add(new NpgsqlParameter<int> { TypedValue = unseen.Range.Partition });
            select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = unseen.Range.MaxOffset });
            select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = LookBack });
            select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = unseen.FirstCount });
            select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = unseen.LastCount });
            select.Parameters.Add(new NpgsqlParameter<string> { TypedValue = unseen.Range.SensorId });
            select.Parameters.Add(new NpgsqlParameter { Value = unseen.Range.SequenceId ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            await using var reader = await select.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                if (seen.Add(reader.GetInt64(0)) && reader.GetBoolean(1))
                {
                    rejected++;
                }
            }
        }

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

        return (rejected, missing);
    }
}
