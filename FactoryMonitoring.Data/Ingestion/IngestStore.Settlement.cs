using System.Diagnostics;
using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

public sealed partial class IngestStore
{
    /// <summary>Ranges read at once.</summary>
    private const int MaxRanges = 5_000;

    /// <summary>Ranges that are searched for in all of <see cref="MaxLookBack"/> at once; fewer after a lookup that failed.</summary>
    private const int MaxDeepLookups = 100;

    // A range that is not known in memory is looked up in this many offsets before its highest.
    private const int MaxLookBack = 200_000;

    /// <summary>No further page of ranges is begun after this time: the lane must store readings.</summary>
    private static readonly TimeSpan MaxSettling = TimeSpan.FromMilliseconds(500);

    /// <summary>After a lookup that failed: doubled each time, up to <see cref="MaxLookupDelay"/>.</summary>
    private static readonly TimeSpan LookupDelay = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan MaxLookupDelay = TimeSpan.FromMinutes(10);

    private long _settledTo;
    private int _failedLookups;
    private long _lookupFailedAt;

    private const string SelectRanges = """
        SELECT a.id, a.producer_id, a.sensor_id, a.sequence_id, a.kafka_partition, a.first_count, a.last_count, a.max_offset
        FROM unnest($2::int[], $3::bigint[]) u(p, below)
        JOIN acknowledgements a ON a.log_key = $1 AND a.kafka_partition = u.p AND a.max_offset < u.below
        WHERE a.id > $5
        ORDER BY a.id LIMIT $4
        """;

    private const string Unseen = """
        WITH unseen AS MATERIALIZED (
            SELECT * FROM unnest($2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
                u(n, kafka_partition, max_offset, first_count, last_count, sensor_id, sequence_id)
        )
        """;

    // The windows are scanned once each, using only the index on the readings' time: they hold the readings of all partitions.
    private const string SeenInWindows = $"""
        SELECT u.n, r.reading_count, false
        FROM windows w CROSS JOIN LATERAL (
            SELECT r.sensor_key, r.kafka_partition, r.kafka_offset, r.reading_count FROM readings r
            WHERE r.processing_timestamp BETWEEN lower(w.span) AND upper(w.span) AND r.log_key = $1 OFFSET 0
        ) r
        JOIN sensor_descriptions d USING (sensor_key)
        JOIN unseen u ON u.sensor_id = d.sensor_id AND u.sequence_id IS NOT DISTINCT FROM d.sequence_id AND u.kafka_partition = r.kafka_partition
            AND r.kafka_offset BETWEEN u.max_offset - $9 AND u.max_offset AND r.reading_count BETWEEN u.first_count AND u.last_count
        UNION
        SELECT u.n, m.reading_count, true FROM unseen u
        JOIN rejected_messages m ON m.log_key = $1 AND m.kafka_partition = u.kafka_partition AND m.kafka_offset BETWEEN u.max_offset - $9 AND u.max_offset
            AND m.reading_count BETWEEN u.first_count AND u.last_count AND m.sensor_id = u.sensor_id AND m.sequence_id IS NOT DISTINCT FROM u.sequence_id
        ORDER BY 3
        """;

    // The acknowledgements of a second are of readings that were stored within a few seconds. A range's highest offset may have been rejected: its batch is near.
    private const string SelectSeenRecently = $"""
        {Unseen}, windows AS MATERIALIZED (
            SELECT unnest(range_agg(tstzrange(t.last_time - interval '3 s', t.last_time, '[]'))) AS span
            FROM (SELECT DISTINCT kafka_partition, max_offset FROM unseen) u, reading_times($1, u.kafka_partition, u.max_offset - 1000, u.max_offset) t
            WHERE t.last_time IS NOT NULL
        )
        {SeenInWindows}
        """;

    // By the times of the partition's own newest batches, at least 1,000 before each range: a slow partition's last 200,000 offsets take hours, which hold many
    // readings of the others. Batches close to each other are one window, because a lookup of each costs more.
    private const string SelectSeen = $"""
        {Unseen}, windows AS MATERIALIZED (
            SELECT unnest(range_agg(tstzrange(b.processing_timestamp - interval '100 ms', b.processing_timestamp, '[]'))) AS span
            FROM (SELECT kafka_partition, min(max_offset) AS low, max(max_offset) AS high FROM unseen GROUP BY kafka_partition, max_offset / 1000) u
            CROSS JOIN LATERAL (
                SELECT b.processing_timestamp FROM reading_batches b
                WHERE b.span && offset_span($1, u.kafka_partition, GREATEST(u.low - $9, 0), u.high + 1)
                ORDER BY b.first_offset DESC LIMIT 2000
            ) b
        )
        {SeenInWindows}
        """;

    // The owner alone settles: another consumer that has claimed the partition knows more.
    private const string HoldOwned = """
        SELECT count(*) FROM (
            SELECT 1 FROM partition_offsets o JOIN unnest($3::int[], $4::bigint[]) m(kafka_partition, epoch) USING (kafka_partition)
            WHERE o.log_key = $1 AND o.topic = $2 AND o.epoch = m.epoch
            ORDER BY o.kafka_partition FOR UPDATE OF o
        ) held
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

    /// <summary>
    /// Moves the acknowledged ranges below the partitions' memories into the ledger, in transactions of its own: no reading waits for it, and a range that cannot
    /// be settled now waits. A lookup that fails is not repeated for a while.
    /// </summary>
    /// <param name="moves">What the partitions' last transaction has stored.</param>
    /// <param name="settle">Compares ranges with what the partitions' sensors are known to have stored.</param>
    /// <returns>The number of acknowledged readings found to be missing.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached, or its answer did not arrive. What was settled stays settled.</exception>
    /// <exception cref="TimeoutException">It took more than 3 s.</exception>
    public async Task<long> SettleAsync(
        LogTopic log, IReadOnlyList<PartitionMove> moves, Func<IReadOnlyList<AcknowledgedRange>, Settlement> settle, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(moves);
        ArgumentNullException.ThrowIfNull(settle);
        var started = Stopwatch.GetTimestamp();
        long missing = 0;
        do
        {
            var ranges = await ReadRangesAsync(log, moves, cancellationToken);
            _settledTo = ranges.Count < MaxRanges ? 0 : ranges[^1].Id;
            if (ranges.Count == 0)
            {
                break;
            }

            var settlement = settle(ranges);
            var inDoubt = settlement.Unseen.Select(unseen => unseen.Range.Id).ToHashSet();
            await RecordAsync(log, moves, [.. settlement.Ranges.Where(range => !inDoubt.Contains(range.Id))], [], cancellationToken);
            if (inDoubt.Count > 0 && MayLookUp())
            {
                missing += await LookUpAsync(log, moves, settlement.Unseen, cancellationToken);
            }
        }
        while (_settledTo > 0 && Stopwatch.GetElapsedTime(started) < MaxSettling);

        return missing;
    }

    private bool MayLookUp() => _failedLookups == 0
        || Stopwatch.GetElapsedTime(_lookupFailedAt) >= TimeSpan.FromSeconds(Math.Min(LookupDelay.TotalSeconds * Math.Pow(2, _failedLookups - 1), MaxLookupDelay.TotalSeconds));

    private async Task<List<AcknowledgedRange>> ReadRangesAsync(LogTopic log, IReadOnlyList<PartitionMove> moves, CancellationToken cancellationToken) =>
        await InTransactionAsync(log, Epochs(moves), async (connection, token) =>
        {
            var ranges = new List<AcknowledgedRange>();
            await using var select = new NpgsqlCommand(SelectRanges, connection);
            select.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
            select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. moves.Select(move => move.Partition)] });
            select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. moves.Select(move => move.MemoryAt)] });
            select.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MaxRanges });
            select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = _settledTo });
            await using var reader = await select.ExecuteReaderAsync(token);
            while (await reader.ReadAsync(token))
            {
                ranges.Add(new AcknowledgedRange(
                    reader.GetInt64(0),
                    reader.GetString(1),
                    reader.GetString(2),
                    await reader.IsDBNullAsync(3, token) ? null : reader.GetString(3),
                    reader.GetInt32(4),
                    reader.GetInt64(5),
                    reader.GetInt64(6),
                    reader.GetInt64(7)));
            }

            return (true, ranges);
        }, cancellationToken);

    /// <summary>Looks for readings that are not known in memory: all of them where they nearly always are, and a few of the others everywhere.</summary>
    private async Task<long> LookUpAsync(LogTopic log, IReadOnlyList<PartitionMove> moves, IReadOnlyList<UnseenRange> unseen, CancellationToken cancellationToken)
    {
        try
        {
            var recent = (await FindMissingAsync(log, moves, SelectSeenRecently, unseen, cancellationToken)).ToLookup(lookup => lookup.Range.Range);
            var found = recent.Where(range => range.All(lookup => lookup.Missing.Count == 0)).ToList();
            await RecordAsync(log, moves, [.. found.Select(range => range.Key)], [.. found.SelectMany(range => range)], cancellationToken);
            var others = recent.Where(range => range.Any(lookup => lookup.Missing.Count > 0)).Take(Math.Max(1, MaxDeepLookups >> Math.Min(_failedLookups, 10))).ToList();
            long missing = 0;
            if (others.Count > 0)
            {
                var lookups = await FindMissingAsync(log, moves, SelectSeen, [.. others.SelectMany(range => range.Select(lookup => lookup.Range))], cancellationToken);
                missing = await RecordAsync(log, moves, [.. others.Select(range => range.Key)], lookups, cancellationToken);
            }

            _failedLookups = 0;
            return missing;
        }
        catch
        {
            _failedLookups++;
            _lookupFailedAt = Stopwatch.GetTimestamp();
            throw;
        }
    }

    /// <summary>Moves ranges into the ledger, unless the partitions or the ranges are no longer ours to settle.</summary>
    /// <param name="lookups">Of the parts of these ranges that are not known in memory.</param>
    /// <returns>The number of readings that are missing.</returns>
    private async Task<long> RecordAsync(
        LogTopic log,
        IReadOnlyList<PartitionMove> moves,
        IReadOnlyList<AcknowledgedRange> ranges,
        IReadOnlyList<Lookup> lookups,
        CancellationToken cancellationToken)
    {
        if (ranges.Count == 0)
        {
            return 0;
        }

        var accounts = new Dictionary<(string Producer, int Partition), (long Acknowledged, long Rejected, long Missing)>();
        foreach (var range in ranges)
        {
            var key = (range.ProducerId, range.Partition);
            var account = accounts.GetValueOrDefault(key);
            accounts[key] = account with { Acknowledged = account.Acknowledged + range.Count };
        }

        var violations = new List<ViolationRow>();
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

        var concerned = moves.Where(move => accounts.Keys.Any(key => key.Partition == move.Partition)).ToList();
        var isRecorded = await InTransactionAsync(log, Epochs(concerned), async (connection, token) =>
        {
            await using (var hold = Command(connection, HoldOwned, log))
            {
                hold.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. concerned.Select(move => move.Partition)] });
                hold.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. concerned.Select(move => move.Epoch)] });
                if ((long)(await hold.ExecuteScalarAsync(token))! != concerned.Count)
                {
                    return (false, false);
                }
            }

            await using var batch = new NpgsqlBatch(connection);
            AddViolations(batch, log, violations);
            var rows = accounts.ToList();
            var ledger = Add(batch, AddToLedger);
            ledger.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
            ledger.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. rows.Select(row => row.Key.Producer)] });
            ledger.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(row => row.Key.Partition)] });
            ledger.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(row => row.Value.Acknowledged)] });
            ledger.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(row => row.Value.Acknowledged - row.Value.Rejected - row.Value.Missing)] });
            ledger.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(row => row.Value.Rejected)] });
            ledger.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(row => row.Value.Missing)] });
            var delete = Add(batch, DeleteRanges);
            delete.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. ranges.Select(range => range.Id)] });
            await batch.ExecuteNonQueryAsync(token);
            // A range counts once: what is no longer there has been settled.
            var areAll = delete.RecordsAffected == ranges.Count;
            return (areAll, areAll);
        }, cancellationToken);
        return isRecorded ? accounts.Values.Sum(account => account.Missing) : 0;
    }

    private static IReadOnlyList<(int Partition, long Epoch)> Epochs(IReadOnlyList<PartitionMove> moves) => [.. moves.Select(move => (move.Partition, move.Epoch))];

    /// <param name="Rejected">How many of the range's readings were rejected.</param>
    private sealed record Lookup(UnseenRange Range, long Rejected, IReadOnlyList<(long First, long Last)> Missing);

    private async Task<List<Lookup>> FindMissingAsync(
        LogTopic log, IReadOnlyList<PartitionMove> moves, string sql, IReadOnlyList<UnseenRange> unseen, CancellationToken cancellationToken) =>
        await InTransactionAsync(log, Epochs(moves), async (connection, token) =>
        {
            var seen = unseen.Select(_ => new HashSet<long>()).ToList();
            var rejected = new long[unseen.Count];
            await using var select = new NpgsqlCommand(sql, connection);
            select.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
            select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. Enumerable.Range(0, unseen.Count)] });
            select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. unseen.Select(one => one.Range.Partition)] });
            select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. unseen.Select(one => one.Range.MaxOffset)] });
            select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. unseen.Select(one => one.FirstCount)] });
            select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. unseen.Select(one => one.LastCount)] });
            select.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. unseen.Select(one => one.Range.SensorId)] });
            select.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. unseen.Select(one => one.Range.SequenceId)] });
            select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = MaxLookBack });
            await using var reader = await select.ExecuteReaderAsync(token);
            while (await reader.ReadAsync(token))
            {
                var n = reader.GetInt32(0);
                if (seen[n].Add(reader.GetInt64(1)) && reader.GetBoolean(2))
                {
                    rejected[n]++;
                }
            }

            return (true, unseen.Select((one, n) => new Lookup(one, rejected[n], MissingOf(one, seen[n]))).ToList());
        }, cancellationToken);

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
