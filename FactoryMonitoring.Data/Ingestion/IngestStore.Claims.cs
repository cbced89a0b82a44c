using FactoryMonitoring.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace FactoryMonitoring.Data.Ingestion;

public sealed partial class IngestStore
{
    private const string InsertPartitions = """
        INSERT INTO partition_offsets (log_key, topic, kafka_partition, next_offset, first_offset)
        SELECT $1, $2, u.p, u.low, u.low FROM unnest($3::int[], $4::bigint[]) u(p, low)
        WHERE u.low IS NOT NULL AND NOT EXISTS (SELECT 1 FROM partition_offsets o WHERE o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = u.p)
        ORDER BY u.p
        ON CONFLICT DO NOTHING
        """;

    // One statement makes the claim, closes the ownership that the predecessor could not close, and records both.
    private static readonly string Claim = $$"""
        WITH wanted AS (
            SELECT * FROM unnest($3::int[], $4::bool[], $6::bigint[], $7::bigint[]) u(kafka_partition, joined, stored_to, log_end)
        ), before AS MATERIALIZED (
            SELECT o.*, w.joined, GREATEST(o.last_commit_at, o.claimed_at) AS last_sign
            FROM partition_offsets o JOIN wanted w USING (kafka_partition)
            WHERE o.log_key = $1 AND o.topic = $2
            ORDER BY o.kafka_partition FOR UPDATE OF o
        ), predecessor AS (
            SELECT b.kafka_partition, p.consumer_id, b.owner IS NOT NULL AS lost,
                CASE WHEN b.owner IS NOT NULL THEN b.last_sign ELSE b.released_at END AS ended_at,
                CASE WHEN b.owner IS NOT NULL AND h.last_heartbeat < clock_timestamp() - interval '{{Liveness.HeartbeatLimitSeconds}} s' THEN 'session expired'
                     WHEN b.owner IS NOT NULL THEN 'claimed'
                     WHEN h.status = 'inactive' THEN 'left' END AS reason
            FROM before b
            JOIN partition_ownership p ON (p.log_key, p.topic, p.kafka_partition, p.epoch) = (b.log_key, b.topic, b.kafka_partition, b.epoch)
            LEFT JOIN consumer_health h ON h.consumer_id = p.consumer_id
        ), claimed AS (
            UPDATE partition_offsets o
            SET owner = $5, epoch = o.epoch + 1, claimed_at = clock_timestamp(), released_at = NULL, recovered_at = NULL, stored_in_epoch = 0
            FROM before b
            WHERE (o.log_key, o.topic, o.kafka_partition) = (b.log_key, b.topic, b.kafka_partition)
            RETURNING o.kafka_partition, o.epoch, o.next_offset, o.first_offset, o.claimed_at, o.leader_epoch, o.cut_epoch, o.cut_at
        ), closed AS (
            UPDATE partition_ownership p
            SET ended_at = b.last_sign, ended_by = 'lost', last_commit_at = b.last_commit_at, stored = b.stored_in_epoch, recovered_at = b.recovered_at
            FROM before b
            WHERE (p.log_key, p.topic, p.kafka_partition, p.epoch) = (b.log_key, b.topic, b.kafka_partition, b.epoch)
            AND b.owner IS NOT NULL AND p.ended_at IS NULL
        ), opened AS (
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, claimed_from, log_end)
            SELECT $1, $2, kafka_partition, c.epoch, $5, c.claimed_at, c.next_offset, w.log_end FROM claimed c JOIN wanted w USING (kafka_partition)
        ), lost AS (
            INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, "timestamp", log_key, generation, reason, written_by)
            SELECT p.consumer_id, 'lost', p.kafka_partition, p.ended_at, $1, b.epoch, p.reason, $5
            FROM predecessor p JOIN before b USING (kafka_partition)
            WHERE p.lost
            ORDER BY p.kafka_partition
            RETURNING 1
        ), assigned AS (
            INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, "timestamp", log_key, generation, reason, written_by)
            SELECT $5, 'assigned', c.kafka_partition, c.claimed_at, $1, c.epoch,
                CASE WHEN w.stored_to > c.next_offset THEN format('database lost offsets %s to %s', c.next_offset, w.stored_to - 1)
                     WHEN w.joined THEN 'joined' ELSE p.reason END, $5
            FROM claimed c JOIN wanted w USING (kafka_partition) LEFT JOIN predecessor p USING (kafka_partition)
            WHERE (SELECT count(*) FROM lost) >= 0 -- the loss is recorded first
            ORDER BY c.kafka_partition
            RETURNING id, partition_number
        )
        SELECT c.kafka_partition, c.epoch, c.next_offset, c.first_offset, a.id, p.consumer_id, p.ended_at, COALESCE(p.lost, false), c.leader_epoch, c.cut_epoch, c.cut_at
        FROM claimed c JOIN assigned a ON a.partition_number = c.kafka_partition LEFT JOIN predecessor p USING (kafka_partition)
        ORDER BY c.kafka_partition
        """;

    // The topic was deleted and created anew while this consumer owned it. With a topic of fewer partitions, or of another name, nobody claims some partitions
    // of the earlier log again: the first claim in a later log ends all of them, except those of another topic that a living consumer still reads. The claims of
    // all consumers come at once: one of them does it, and none waits for it, or for a transaction that still stores what was read of the earlier log.
    private static readonly string EndEarlierLogs = $"""
        WITH turn AS MATERIALIZED (
            SELECT pg_try_advisory_xact_lock(hashtext('factory_monitoring.earlier_logs')) AS is_ours
        ), earlier AS MATERIALIZED (
            SELECT o.log_key, o.topic, o.kafka_partition, o.owner,
                COALESCE(h.last_heartbeat < clock_timestamp() - interval '{Liveness.HeartbeatLimitSeconds} s', true) AS is_gone
            FROM partition_offsets o LEFT JOIN consumer_health h ON h.consumer_id = o.owner
            WHERE o.log_key <> $1
        ), held AS MATERIALIZED (
            SELECT o.log_key, o.topic, o.kafka_partition, o.owner
            FROM earlier e JOIN partition_offsets o USING (log_key, topic, kafka_partition), turn
            WHERE e.topic = $2 AND o.owner = e.owner AND (e.owner = $4 OR (e.is_gone AND e.log_key < $1 AND turn.is_ours))
            ORDER BY o.log_key, o.kafka_partition FOR UPDATE OF o SKIP LOCKED
        ), released AS (
            UPDATE partition_offsets o SET owner = NULL, released_at = clock_timestamp()
            FROM held h WHERE (o.log_key, o.topic, o.kafka_partition) = (h.log_key, h.topic, h.kafka_partition)
            RETURNING o.log_key, o.kafka_partition, o.epoch, o.released_at, o.last_commit_at, o.recovered_at, o.stored_in_epoch, h.owner
        ), closed AS (
            UPDATE partition_ownership p
            SET ended_at = r.released_at, ended_by = 'revoked', last_commit_at = r.last_commit_at, recovered_at = r.recovered_at, stored = r.stored_in_epoch
            FROM released r
            WHERE p.log_key = r.log_key AND p.topic = $2 AND p.kafka_partition = r.kafka_partition AND p.epoch = r.epoch
        ), resolved AS (
            UPDATE alerts a SET resolved_at = clock_timestamp(), updated_at = clock_timestamp(), resolved_because = 'log_ended'
            FROM earlier o, turn
            WHERE a.resolved_at IS NULL AND a.log_key = o.log_key AND a.kafka_partition = o.kafka_partition
              AND ((o.topic = $2 AND o.kafka_partition = ANY ($3) AND (o.log_key > $1 OR turn.is_ours))
                OR (o.log_key < $1 AND turn.is_ours AND (o.topic = $2 OR o.owner IS NULL OR o.owner = $4 OR o.is_gone)))
        )
        INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, "timestamp", log_key, generation, reason, written_by)
        SELECT owner, 'revoked', kafka_partition, released_at, log_key, epoch, 'log ended', $4 FROM released ORDER BY kafka_partition
        """;

    private const string SelectRefused = $"""
        SELECT r.kafka_partition, r.kafka_offset
        FROM unnest($3::int[], $4::bigint[]) u(p, since)
        JOIN rejected_messages r ON r.log_key = $1 AND r.kafka_partition = u.p AND r.kafka_offset >= u.since
        JOIN partition_offsets o ON o.log_key = r.log_key AND o.topic = $2 AND o.kafka_partition = r.kafka_partition
        WHERE r.reason = '{RejectionReasons.RefusedByDatabase}'
        """;

    private const string SelectSnapshots = """
        SELECT s.kafka_partition, s.snapshot_offset, s.state, 0 AS n, false FROM detector_snapshots s
        WHERE s.log_key = $1 AND s.topic = $2 AND s.kafka_partition = ANY ($3)
        UNION ALL
        SELECT s.kafka_partition, s.snapshot_offset, c.state, c.id, c.is_continued FROM detector_snapshots s JOIN detector_changes c USING (log_key, topic, kafka_partition)
        WHERE s.log_key = $1 AND s.topic = $2 AND s.kafka_partition = ANY ($3) AND c.id BETWEEN s.first_change AND s.last_change
        ORDER BY 1, 4
        """;

    // The group has decided: a process that still holds the lock on the partition's row has exited or is frozen, and the whole partition waits for the lock.
    private const string ClaimPatience = "SET LOCAL lock_timeout = '300ms'";

    private const string SkipDropped = """
        UPDATE partition_offsets o SET next_offset = u.low, skipped = o.skipped + (u.low - o.next_offset), leader_epoch = NULL
        FROM unnest($3::int[], $4::bigint[]) u(p, low)
        WHERE o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = u.p AND o.next_offset < u.low
        """;

    // What is being moved aside already is of no log: the log may end where it was cut.
    private const string SelectBeyondEnd = """
        SELECT o.kafka_partition, o.leader_epoch IS NOT NULL FROM partition_offsets o JOIN unnest($3::int[], $4::bigint[]) u(p, log_end) ON o.kafka_partition = u.p
        WHERE o.log_key = $1 AND o.topic = $2 AND LEAST(o.next_offset, o.cut_at) > u.log_end
        """;

    /// <summary>
    /// Claims partitions. A partition without a row begins at the log's low watermark. A partition with neither row nor watermark is omitted from the
    /// result. If the log ends before our offset, the caller must find by leader epochs where it was truncated; if no leader epoch was stored, the partition is
    /// also omitted, until the end is certain. What the log has lost must be moved aside before anything is read: see <see cref="MoveAsideAsync"/>.
    /// </summary>
    /// <exception cref="NpgsqlException">The database cannot be reached; either nothing was claimed or the answer was lost: claim again.</exception>
    public Task<IReadOnlyList<ClaimedPartition>> ClaimAsync(LogTopic log, IReadOnlyList<PartitionClaim> claims, CancellationToken cancellationToken) =>
        InTransactionAsync(log, [], async (connection, token) => (true, await ClaimAsync(connection, log, claims, endsEarlierLogs: true, token)), cancellationToken);

    private async Task<IReadOnlyList<ClaimedPartition>> ClaimAsync(
        NpgsqlConnection connection, LogTopic log, IReadOnlyList<PartitionClaim> claims, bool endsEarlierLogs, CancellationToken cancellationToken)
    {
        await using (var patience = new NpgsqlCommand(ClaimPatience, connection))
        {
            await patience.ExecuteNonQueryAsync(cancellationToken);
        }

        var beyondEnd = await BeyondEndAsync(connection, log, claims, cancellationToken);
        claims = [.. claims.Where(claim => claim.EndIsCertain || claim.CutAt is not null || beyondEnd.GetValueOrDefault(claim.Partition, true))];
        var partitions = claims.Select(claim => claim.Partition).ToArray();
        await using (var insert = Command(connection, InsertPartitions, log))
        {
            insert.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = partitions });
            insert.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. claims.Select(claim => claim.LowWatermark)] });
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        if (endsEarlierLogs)
        {
            await using var end = Command(connection, EndEarlierLogs, log);
            end.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = partitions });
            end.Parameters.Add(new NpgsqlParameter<string> { TypedValue = consumerId });
            await end.ExecuteNonQueryAsync(cancellationToken);
        }

        var claimed = new List<ClaimedPartition>(claims.Count);
        await using (var claim = Command(connection, Claim, log))
        {
            claim.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = partitions });
            claim.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = [.. claims.Select(one => one.Joined)] });
            claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = consumerId });
            claim.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. claims.Select(one => one.Stored)] });
            claim.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. claims.Select(one => one.CutAt is null ? one.End : null)] });
            await using var reader = await claim.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                claimed.Add(new ClaimedPartition(
                    reader.GetInt32(0),
                    reader.GetInt64(1),
                    reader.GetInt64(2),
                    reader.GetInt64(3),
                    reader.GetInt64(4),
                    await reader.IsDBNullAsync(5, cancellationToken) ? null : reader.GetString(5),
                    await reader.IsDBNullAsync(6, cancellationToken) ? null : reader.GetDateTime(6),
                    reader.GetBoolean(7),
                    0,
                    0,
                    null,
                    await reader.IsDBNullAsync(8, cancellationToken) ? null : reader.GetInt32(8),
                    await reader.IsDBNullAsync(9, cancellationToken) ? null : reader.GetInt64(9),
                    await reader.IsDBNullAsync(10, cancellationToken) ? null : reader.GetInt64(10)));
            }
        }

        await using (var select = Command(connection, SelectSnapshots, log))
        {
            select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = partitions });
            await using var reader = await select.ExecuteReaderAsync(cancellationToken);
            using var parts = new MemoryStream();
            while (await reader.ReadAsync(cancellationToken))
            {
                var index = claimed.FindIndex(one => one.Partition == reader.GetInt32(0));
                if (index < 0)
                {
                    continue;
                }

                claimed[index] = claimed[index] with { SnapshotOffset = reader.GetInt64(1) };
                parts.Write(await reader.GetFieldValueAsync<byte[]>(2, cancellationToken));
                if (!reader.GetBoolean(4) && parts.Length > 0)
                {
                    claimed[index].Snapshots.Add(parts.ToArray());
                    parts.SetLength(0);
                }
            }
        }

        await using (var select = Command(connection, SelectRefused, log))
        {
            select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. claimed.Select(one => one.Partition)] });
            select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. claimed.Select(one => one.SnapshotOffset ?? one.FirstOffset)] });
            await using var reader = await select.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                claimed.Find(one => one.Partition == reader.GetInt32(0))!.Refused.Add(reader.GetInt64(1));
            }
        }

        var dropped = (from one in claimed
                       join claim in claims on one.Partition equals claim.Partition
                       where claim.LowWatermark > one.NextOffset && one.CutAt is null
                       select (Claimed: one, Low: claim.LowWatermark!.Value)).ToList();
        if (dropped.Count > 0)
        {
            await using var skip = Command(connection, SkipDropped, log);
            skip.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. dropped.Select(one => one.Claimed.Partition)] });
            skip.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. dropped.Select(one => one.Low)] });
            await skip.ExecuteNonQueryAsync(cancellationToken);
            await using var violations = new NpgsqlBatch(connection);
            AddViolations(violations, log, [.. dropped.Select(one => new ViolationRow("skipped", null, null, null, null, one.Claimed.Partition, one.Claimed.NextOffset))]);
            await violations.ExecuteNonQueryAsync(cancellationToken);
            foreach (var (one, low) in dropped)
            {
                claimed[claimed.IndexOf(one)] = one with { NextOffset = low, Skipped = low - one.NextOffset, LeaderEpoch = null };
            }
        }

        foreach (var claim in claims.Where(claim => claim.CutAt is not null ? beyondEnd.ContainsKey(claim.Partition) : beyondEnd.TryGetValue(claim.Partition, out var isComparable) && !isComparable))
        {
            var index = claimed.FindIndex(one => one.Partition == claim.Partition);
            claimed[index] = await CutAsync(connection, log, claimed[index], claim.SoundEnd!.Value, cancellationToken);
        }

        return claimed;
    }

    /// <returns>Partitions whose log ends before our offset, each with whether its messages can be compared by their leader epochs.</returns>
    private static async Task<Dictionary<int, bool>> BeyondEndAsync(
        NpgsqlConnection connection, LogTopic log, IReadOnlyList<PartitionClaim> claims, CancellationToken cancellationToken)
    {
        var beyondEnd = new Dictionary<int, bool>();
        await using var select = Command(connection, SelectBeyondEnd, log);
        select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. claims.Select(claim => claim.Partition)] });
        select.Parameters.Add(new NpgsqlParameter<long?[]> { TypedValue = [.. claims.Select(claim => claim.SoundEnd)] });
        await using var reader = await select.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            beyondEnd.Add(reader.GetInt32(0), reader.GetBoolean(1));
        }

        return beyondEnd;
    }

    // The rows of messages that the brokers have lost are kept, in an account of their own; the offsets will be reused, so they no longer identify these rows.
    // Alerts and dead letters, which are few and have no index by offset, go there at once.
    private const string Cut = """
        WITH aside AS (
            SELECT $5::smallint AS log_key
        ), account AS (
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, next_offset, first_offset, released_at)
            SELECT aside.log_key, $2, $3, o.next_offset, o.next_offset, clock_timestamp() FROM aside, partition_offsets o
            WHERE o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = $3
            ON CONFLICT DO NOTHING
        ), alerts_moved AS (
            UPDATE alerts SET log_key = aside.log_key, resolved_at = COALESCE(resolved_at, clock_timestamp()),
                resolved_because = CASE WHEN resolved_at IS NULL THEN 'log_ended' ELSE resolved_because END
            FROM aside
            WHERE alerts.log_key = $1 AND kafka_partition = $3 AND kafka_offset >= $4
        ), letters_moved AS (
            UPDATE outbox SET source_log_key = aside.log_key FROM aside
            WHERE outbox.source_log_key = $1 AND source_partition = $3 AND source_offset >= $4
        ), memory AS (
            UPDATE detector_snapshots SET snapshot_offset = LEAST(snapshot_offset, $4) WHERE log_key = $1 AND topic = $2 AND kafka_partition = $3
        )
        UPDATE partition_offsets o SET cut_at = $4, cut_epoch = $6, leader_epoch = NULL,
            marked_offset = LEAST(o.marked_offset, $4), overdue_offset = LEAST(o.overdue_offset, $4)
        WHERE o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = $3
        """;

    private static readonly TimeSpan MoveLimit = TimeSpan.FromHours(6);

    private async Task<ClaimedPartition> CutAsync(
        NpgsqlConnection connection, LogTopic log, ClaimedPartition claimed, long end, CancellationToken cancellationToken)
    {
        // A cut that is not complete and then found to be deeper is one cut: nothing has been read in between.
        claimed = claimed with { CutAt = end, CutEpoch = claimed.CutAt is null ? claimed.Epoch : claimed.CutEpoch };
        await using var cut = Command(connection, Cut, log);
        // It reads all alerts. A shorter limit would end each attempt at the same place.
        cut.CommandTimeout = (int)MoveLimit.TotalSeconds;
        cut.Parameters.Add(new NpgsqlParameter<int> { TypedValue = claimed.Partition });
        cut.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end });
        cut.Parameters.Add(new NpgsqlParameter<short> { TypedValue = await AsideKeyAsync(log, claimed, cancellationToken) });
        cut.Parameters.Add(new NpgsqlParameter<long> { TypedValue = claimed.CutEpoch!.Value });
        await cut.ExecuteNonQueryAsync(cancellationToken);
        await using var violations = new NpgsqlBatch(connection);
        AddViolations(violations, log, [new ViolationRow("skipped", null, null, null, null, claimed.Partition, end)]);
        await violations.ExecuteNonQueryAsync(cancellationToken);
        return claimed with { LeaderEpoch = null, SnapshotOffset = claimed.SnapshotOffset is { } at ? Math.Min(at, end) : null };
    }

    // Made once, whatever becomes of the transaction: a key that is taken is not given back, and there are 32,767.
    private Task<short> AsideKeyAsync(LogTopic log, ClaimedPartition claimed, CancellationToken cancellationToken) =>
        dictionaries.AsideKeyAsync($"{log.LogId}#{claimed.Partition}@{claimed.CutEpoch}", cancellationToken);

    private const string Release = """
        WITH released AS (
            UPDATE partition_offsets o SET owner = NULL, released_at = clock_timestamp()
            FROM unnest($3::int[], $4::bigint[]) m(kafka_partition, epoch)
            WHERE o.log_key = $1 AND o.topic = $2 AND o.kafka_partition = m.kafka_partition AND o.epoch = m.epoch AND o.owner = $5
            RETURNING o.kafka_partition, o.epoch, o.released_at, o.last_commit_at, o.recovered_at, o.stored_in_epoch
        ), closed AS (
            UPDATE partition_ownership p
            SET ended_at = r.released_at, ended_by = $6, last_commit_at = r.last_commit_at, recovered_at = r.recovered_at, stored = r.stored_in_epoch
            FROM released r
            WHERE p.log_key = $1 AND p.topic = $2 AND p.kafka_partition = r.kafka_partition AND p.epoch = r.epoch
        )
        INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, "timestamp", log_key, generation, reason, written_by)
        SELECT $5, $6, kafka_partition, released_at, $1, epoch, $7, $5 FROM released ORDER BY kafka_partition
        """;

    /// <summary>Releases the partitions that we still own, and records it.</summary>
    /// <param name="lost">The group took them away without a revocation.</param>
    /// <returns>The number that we still owned.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached; the successors will find the partitions unreleased.</exception>
    public Task<int> ReleaseAsync(
        LogTopic log, IReadOnlyList<(int Partition, long Epoch)> partitions, bool lost, string? reason, CancellationToken cancellationToken) =>
        InTransactionAsync(log, partitions, async (connection, token) =>
        {
            await using var release = Command(connection, Release, log);
            release.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. partitions.Select(partition => partition.Partition)] });
            release.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. partitions.Select(partition => partition.Epoch)] });
            release.Parameters.Add(new NpgsqlParameter<string> { TypedValue = consumerId });
            release.Parameters.Add(new NpgsqlParameter<string> { TypedValue = lost ? "lost" : "revoked" });
            release.Parameters.Add(new NpgsqlParameter { Value = (object?)reason ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            return (true, await release.ExecuteNonQueryAsync(token));
        }, cancellationToken);

    private const string Inspect = """
        SELECT kafka_partition, owner, epoch, next_offset FROM partition_offsets WHERE log_key = $1 AND topic = $2 AND kafka_partition = ANY ($3)
        """;

    /// <summary>Reads the current state of these partitions' rows.</summary>
    /// <exception cref="DatabaseReplacedException">The rows belong to another database.</exception>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<PartitionStanding>> InspectAsync(LogTopic log, IReadOnlyList<int> partitions, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        try
        {
            await VerifyAsync(connection, cancellationToken);
            await using var command = Command(connection, Inspect, log);
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. partitions] });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var standings = new List<PartitionStanding>(partitions.Count);
            while (await reader.ReadAsync(cancellationToken))
            {
                standings.Add(new PartitionStanding(
                    reader.GetInt32(0), await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3)));
            }

            return standings;
        }
        catch
        {
            await AbandonAsync();
            throw;
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, LogTopic log) => new(sql, connection)
    {
        Parameters = { new NpgsqlParameter<short> { TypedValue = log.LogKey }, new NpgsqlParameter<string> { TypedValue = log.Topic } },
    };
}
