using System.Diagnostics;
using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

public sealed partial class IngestStore
{
    /// <summary>Ranges read at once.</summary>
    private const int MaxRanges = 5_000;

    /// <summary>No further page of ranges is begun after this time: the lane must store readings.</summary>
    private static readonly TimeSpan MaxSettling = TimeSpan.FromMilliseconds(500);

    private long _settledTo;

    private const string SelectRanges = """
        SELECT a.id, a.producer_id, a.sensor_id, a.sequence_id, a.kafka_partition, a.first_count, a.last_count, a.max_offset
        FROM unnest($2::int[], $3::bigint[]) u(p, below)
        JOIN acknowledgements a ON a.log_key = $1 AND a.kafka_partition = u.p AND a.max_offset < u.below
        WHERE a.id > $5
        ORDER BY a.id LIMIT $4
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
    /// be settled now waits. A lookup that fails is not repeated for a while, and other ranges come first.
    /// </summary>
    /// <param name="moves">What the partitions' last transaction has stored.</param>
    /// <param name="settle">Returns the parts of ranges that the partitions' sensors are not known to have stored.</param>
    /// <param name="countMissing">Takes the numbers of acknowledged readings that are missing, as they are recorded: a later step may fail.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached, or its answer did not arrive. What was settled stays settled.</exception>
    /// <exception cref="TimeoutException">It took more than 3 s.</exception>
    public async Task SettleAsync(
        LogTopic log,
        IReadOnlyList<PartitionMove> moves,
        Func<IReadOnlyList<AcknowledgedRange>, IReadOnlyList<UnseenRange>> settle,
        Action<long> countMissing,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(moves);
        ArgumentNullException.ThrowIfNull(settle);
        ArgumentNullException.ThrowIfNull(countMissing);
        var started = Stopwatch.GetTimestamp();
        DropForeignSearches(log, moves);
        do
        {
            var ranges = await ReadRangesAsync(log, moves, cancellationToken);
            _settledTo = ranges.Count < MaxRanges ? 0 : ranges[^1].Id;
            if (ranges.Count == 0)
            {
                break;
            }

            var unseen = settle(ranges);
            var inDoubt = unseen.Select(part => part.Range.Id).ToHashSet();
            await RecordAsync(log, moves, [.. ranges.Where(range => !inDoubt.Contains(range.Id))], [], cancellationToken);
            await LookUpAsync(log, moves, unseen, cancellationToken);
        }
        while (_settledTo > 0 && Stopwatch.GetElapsedTime(started) < MaxSettling);

        await SearchAsync(log, moves, countMissing, cancellationToken);
    }

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

    /// <summary>Moves ranges into the ledger, unless the partitions or the ranges are no longer ours to settle.</summary>
    /// <param name="lookups">Of the parts of these ranges that are not known in memory.</param>
    /// <returns>The number of readings that are missing.</returns>
    private async Task<long> RecordAsync(
        LogTopic log,
        IReadOnlyList<PartitionMove> moves,
        IReadOnlyList<AcknowledgedRange> ranges,
        IReadOnlyList<RangeLookup> lookups,
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
}
