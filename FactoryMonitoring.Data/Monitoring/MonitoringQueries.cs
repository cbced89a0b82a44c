using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>
/// Reads the data of the snapshot in one round trip. The cost of every statement is independent of the number of stored readings: it reads
/// counters, or a time window through an index.
/// </summary>
public sealed class MonitoringQueries(NpgsqlDataSource dataSource, TimeProvider time)
{
    /// <summary>The number of rebalancing events read; with many partitions, as many as a rebalance of all of them has.</summary>
    public const int RebalancingEventsKept = 500;

    /// <summary>The maximum number of the newest rejections counted.</summary>
    public const int RejectionsCounted = 10_000;

    private const string Rejections = """
        SELECT reason, sensor_id, count(*) FROM (
            SELECT reason, sensor_id FROM rejected_messages WHERE rejected_at > CURRENT_TIMESTAMP - interval '5 min' ORDER BY rejected_at DESC LIMIT 10000
        ) newest
        GROUP BY 1, 2
        ORDER BY 3 DESC, 1, 2
        """;

    private const string Parked = "SELECT count(*), (array_agg(parked_reason ORDER BY parked_at DESC))[1] FROM outbox WHERE parked_at IS NOT NULL";

    /// <summary>By topic, the messages that have waited for a minute, and since when the oldest does: of those tried and of each kind never tried 10,000 at most.</summary>
    private const string Unsent = """
        SELECT topic, count(*), min(created_at) FROM (
            (SELECT topic, created_at FROM outbox
             WHERE parked_at IS NULL AND retry_at IS NOT NULL AND created_at < CURRENT_TIMESTAMP - interval '1 min' LIMIT 10000)
            UNION ALL
            (SELECT topic, created_at FROM outbox WHERE parked_at IS NULL AND retry_at IS NULL AND alert_id IS NOT NULL ORDER BY outbox_id LIMIT 10000)
            UNION ALL
            (SELECT topic, created_at FROM outbox WHERE parked_at IS NULL AND retry_at IS NULL AND alert_id IS NULL ORDER BY outbox_id LIMIT 10000)
        ) waiting
        WHERE created_at < CURRENT_TIMESTAMP - interval '1 min'
        GROUP BY topic ORDER BY min(created_at), topic
        """;

    /// <summary>The number of sensors whose readings arrived in several partitions in the last 10 minutes (10,000 at most), and the first of them.</summary>
    public const string Scattered =
        "SELECT count(*), min(sensor_id) FROM (SELECT sensor_id FROM sensor_latest WHERE other_seen_at > CURRENT_TIMESTAMP - interval '10 min' LIMIT 10000) s";

    // The retention in whole minutes, so that it does not differ from read to read.
    private const string StoredSince = """
        SELECT CASE WHEN first IS NOT NULL THEN
            GREATEST(first, date_bin('1 min', CURRENT_TIMESTAMP - (SELECT keep FROM retention), 'epoch') + interval '1 min') END
        FROM (SELECT LEAST((SELECT min(first_seen) FROM logs), (SELECT min(at) FROM status_changes)) AS first) stored
        """;

    private const string Clock = "SELECT clock_timestamp()";

    private const string Consumers = """
        SELECT h.consumer_id, h.status, h.assigned_partitions, h.last_heartbeat, COALESCE(h.messages_processed_last_minute, 0),
               COALESCE(h.total_messages_processed, 0), h.condition, h.group_protocol, h.started_at, h.process_id, h.host, h.resident_bytes,
               c.at, c.reason, COALESCE(s.stored, 0)::integer
        FROM consumer_health h
        LEFT JOIN LATERAL (
            SELECT at, reason FROM status_changes c
            WHERE c.component_kind = 'consumer' AND c.component_id = h.consumer_id ORDER BY c.at DESC LIMIT 1
        ) c ON true
        LEFT JOIN (SELECT consumer_id, sum(stored) AS stored FROM consumer_samples WHERE at > CURRENT_TIMESTAMP - interval '61 s' GROUP BY 1) s
            USING (consumer_id)
        WHERE h.last_heartbeat > CURRENT_TIMESTAMP - interval '24 h'
        ORDER BY h.consumer_id
        """;

    private const string Producers = """
        SELECT h.producer_id, h.sensor_type, h.status, h.last_heartbeat, COALESCE(h.messages_sent_last_minute, 0),
               COALESCE(h.total_messages_sent, 0), h.connection, h.last_acknowledged, h.started_at, h.process_id, h.host, h.sensor_count,
               h.failed_deliveries, h.queued, h.resident_bytes, c.at, c.reason, h.condition
        FROM producer_health h
        LEFT JOIN LATERAL (
            SELECT at, reason FROM status_changes c
            WHERE c.component_kind = 'producer' AND c.component_id = h.producer_id ORDER BY c.at DESC LIMIT 1
        ) c ON true
        WHERE h.last_heartbeat > CURRENT_TIMESTAMP - interval '24 h'
        ORDER BY h.producer_id
        """;

    // An abandoned log (an embedded broker keeps nothing) keeps its rows for the ledger. The current log is the one that the brokers have; while that is
    // unknown, or nobody has read it, the one that was claimed last.
    private const string Partitions = """
        SELECT DISTINCT ON (o.kafka_partition) o.kafka_partition, l.log_id, o.owner, o.epoch, o.next_offset, o.claimed_at, o.released_at,
               o.recovered_at, o.last_commit_at
        FROM partition_offsets o JOIN logs l USING (log_key)
        WHERE o.topic = $1
        ORDER BY o.kafka_partition, l.log_id = $2 DESC NULLS LAST, o.claimed_at DESC NULLS LAST, o.log_key DESC
        """;

    private const string StoredPerPartition =
        "SELECT kafka_partition, sum(stored)::bigint FROM partition_offsets WHERE topic = $1 GROUP BY 1 ORDER BY 1";

    // A rebalance of the whole group is two events of each partition.
    private const string RebalancingEvents = """
        SELECT event_type, consumer_id, partition_number, "timestamp", id, generation, reason, stall_ms
        FROM rebalancing_events
        WHERE "timestamp" > CURRENT_TIMESTAMP - interval '24 h'
        ORDER BY "timestamp" DESC, id DESC
        LIMIT (SELECT GREATEST(500, 2 * count(DISTINCT kafka_partition) + 50) FROM partition_offsets WHERE topic = $1)
        """;

    private const string RecentAlerts = AlertQueries.Columns + """

        FROM alerts
        WHERE "timestamp" > CURRENT_TIMESTAMP - interval '2 h' AND NOT backfill
        ORDER BY "timestamp" DESC, alert_id DESC
        LIMIT 50
        """;

    private const string StoredRecently = """
        SELECT c.consumer_id, b.kafka_partition, sum(b.stored)::bigint
        FROM ingest_buckets b JOIN consumers c USING (consumer_key)
        WHERE b.bucket > CURRENT_TIMESTAMP - interval '10 min'
        GROUP BY 1, 2
        ORDER BY 1, 2
        """;

    // The last complete second may not be written yet: the window ends one second earlier.
    private const string ConsumerSamples = """
        SELECT stored, latency_histogram, commit_ms, slowest_ms, slowest_trace_id FROM consumer_samples
        WHERE at >= date_trunc('second', CURRENT_TIMESTAMP) - interval '11 s' AND at < date_trunc('second', CURRENT_TIMESTAMP) - interval '1 s'
        """;

    private const string ProducerSamples = """
        SELECT COALESCE(sum(acknowledged), 0)::bigint FROM producer_samples
        WHERE at >= date_trunc('second', CURRENT_TIMESTAMP) - interval '11 s' AND at < date_trunc('second', CURRENT_TIMESTAMP) - interval '1 s'
        """;

    private const string ThroughputRecord = "SELECT stored_per_second FROM throughput_record";

    private const string StatusChanges = """
        SELECT component_kind, component_id, status, reason, at FROM status_changes
        WHERE at > CURRENT_TIMESTAMP - interval '1 h'
        ORDER BY at DESC, id DESC
        LIMIT 500
        """;

    private const string Successions = """
        SELECT s.kafka_partition, s.epoch, p.consumer_id, COALESCE(p.ended_at, p.last_commit_at, s.claimed_at), s.consumer_id, s.claimed_at,
               COALESCE(s.recovered_at, o.recovered_at)
        FROM partition_ownership s
        JOIN partition_ownership p ON p.log_key = s.log_key AND p.topic = s.topic AND p.kafka_partition = s.kafka_partition AND p.epoch = s.epoch - 1
        LEFT JOIN partition_offsets o ON o.log_key = s.log_key AND o.topic = s.topic AND o.kafka_partition = s.kafka_partition AND o.epoch = s.epoch
        WHERE s.claimed_at > CURRENT_TIMESTAMP - interval '1 h' AND s.topic = $1 AND p.ended_by = 'lost'
        ORDER BY s.claimed_at DESC, s.kafka_partition
        LIMIT 200
        """;

    private const string Exits = """
        SELECT component_id, at, exit_code, cause, asked_by FROM component_exits
        WHERE at > CURRENT_TIMESTAMP - interval '1 h'
        ORDER BY at DESC
        LIMIT 100
        """;

    /// <summary>Reads everything; slowly changing data is taken from <paramref name="previous"/> if given.</summary>
    /// <param name="topic">The topic of the readings.</param>
    /// <param name="logId">The brokers' log of the topic; null if unknown.</param>
    /// <param name="previous">An earlier result whose ledger, status changes, successions, exits, rejections and parked messages are recent enough.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached, or does not answer in time.</exception>
    public async Task<MonitoringRows> ReadAsync(string topic, string? logId, MonitoringRows? previous, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new(Clock), new(Consumers), new(Producers), OfLog(Partitions, topic, logId), OfTopic(StoredPerPartition, topic),
                OfTopic(RebalancingEvents, topic), new(RecentAlerts), new(StoredRecently), new(ConsumerSamples), new(ProducerSamples), new(ThroughputRecord),
            },
        };
        if (previous is null)
        {
            batch.BatchCommands.Add(new(StatusChanges));
            batch.BatchCommands.Add(OfTopic(Successions, topic));
            batch.BatchCommands.Add(new(Exits));
            batch.BatchCommands.Add(new(Rejections));
            batch.BatchCommands.Add(new(Parked));
            batch.BatchCommands.Add(new(Unsent));
            batch.BatchCommands.Add(new(Scattered));
            batch.BatchCommands.Add(new(StoredSince));
            LedgerQueries.Add(batch, topic);
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var now = reader.Timestamp(0);
        // Read after the answer: dated by the request, the database's clock would run ahead by as long as the answer took.
        var answered = time.GetTimestamp();
        await reader.NextResultAsync(cancellationToken);
        var consumers = await reader.RowsAsync(Consumer, cancellationToken);
        var producers = await reader.RowsAsync(Producer, cancellationToken);
        var partitions = await reader.RowsAsync(Partition, cancellationToken);
        var storedPerPartition = await reader.RowsAsync(row => (Partition: row.GetInt32(0), Stored: row.GetInt64(1)), cancellationToken);
        var events = await reader.RowsAsync(Event, cancellationToken);
        var alerts = await reader.RowsAsync(AlertQueries.Alert, cancellationToken);
        var recently = await reader.RowsAsync(row => (Consumer: row.GetString(0), Partition: row.GetInt32(1), Stored: row.GetInt64(2)), cancellationToken);
        var samples = await reader.RowsAsync(
            row => (
                Stored: row.GetInt32(0), Counts: row.GetFieldValue<int[]>(1), CommitMs: row.Value<float>(2),
                Slowest: row.Value<long>(3) is { } milliseconds ? new SlowestReading(milliseconds, row.Text(4)) : null),
            cancellationToken);
        var acknowledged = await reader.RowsAsync(row => row.GetInt64(0), cancellationToken);
        var maximum = await reader.RowsAsync(row => row.GetInt64(0), cancellationToken);
        var rows = new MonitoringRows(
            now,
            answered,
            logId,
            consumers,
            producers,
            partitions,
            storedPerPartition.ToDictionary(row => row.Partition, row => row.Stored),
            events,
            alerts,
            [.. recently.GroupBy(row => row.Consumer).Select(group => new ComponentValue(group.Key, group.Sum(row => row.Stored)))],
            recently.GroupBy(row => row.Partition).OrderBy(group => group.Key).ToDictionary(group => group.Key, group => group.Sum(row => row.Stored)),
            new(
                acknowledged[0],
                samples.Sum(sample => (long)sample.Stored),
                Sum(samples.Select(sample => sample.Counts)),
                samples.Where(sample => sample.CommitMs is not null).Select(sample => (double?)sample.CommitMs).Average(),
                maximum is [var most] ? most : null)
            {
                Slowest = samples.Select(sample => sample.Slowest).MaxBy(slowest => slowest?.Milliseconds),
            },
            previous?.Ledger ?? LedgerQueries.None,
            previous?.StatusChanges ?? [],
            previous?.Successions ?? [],
            previous?.Exits ?? []);
        return previous is not null
            ? rows with { Rejections = previous.Rejections, Parked = previous.Parked, Unsent = previous.Unsent, Scattered = previous.Scattered, StoredSince = previous.StoredSince }
            : rows with
            {
                StatusChanges = await reader.RowsAsync(OwnershipQueries.StatusChange, cancellationToken),
                Successions = await reader.RowsAsync(
                    row => new SuccessionRow(
                        row.GetInt32(0), row.GetInt64(1), row.GetString(2), row.Timestamp(3), row.GetString(4), row.Timestamp(5), row.Value<DateTimeOffset>(6)),
                    cancellationToken),
                Exits = await reader.RowsAsync(OwnershipQueries.Exit, cancellationToken),
                Rejections = await reader.RowsAsync(row => new RejectionRow(row.GetString(0), row.Text(1), row.GetInt64(2)), cancellationToken),
                Parked = (await reader.RowsAsync(row => new ParkedRow(row.GetInt64(0), row.Text(1)), cancellationToken))[0],
                Unsent = await reader.RowsAsync(row => new UnsentRow(row.GetString(0), row.GetInt64(1), row.Timestamp(2)), cancellationToken),
                Scattered = (await reader.RowsAsync(row => new ScatteredRow(row.GetInt64(0), row.Text(1)), cancellationToken))[0],
                StoredSince = (await reader.RowsAsync(row => row.Value<DateTimeOffset>(0), cancellationToken))[0],
                Ledger = await LedgerQueries.ReadAsync(reader, cancellationToken),
            };
    }

    internal static RebalancingEventBody Event(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.Value<int>(2), row.Timestamp(3), row.GetInt64(4), row.Value<long>(5), row.Text(6), row.Value<int>(7));

    private static NpgsqlBatchCommand OfTopic(string sql, string topic) => new(sql) { Parameters = { Parameters.Text(topic) } };

    private static NpgsqlBatchCommand OfLog(string sql, string topic, string? logId) =>
        new(sql) { Parameters = { Parameters.Text(topic), Parameters.Text(logId) } };

    private static ConsumerRow Consumer(NpgsqlDataReader row) => new(
        new(
            row.GetString(0), row.GetString(1), row.IsDBNull(2) ? [] : row.GetFieldValue<int[]>(2), row.Value<DateTimeOffset>(3), row.GetInt32(4), row.GetInt64(5),
            row.Text(6), row.Text(7), row.Value<DateTimeOffset>(8), row.Value<int>(9), row.Text(10), row.Value<long>(11), row.Value<DateTimeOffset>(12)),
        row.GetString(1) == "inactive" && row.IsDBNull(13),
        row.GetInt32(14));

    private static ProducerRow Producer(NpgsqlDataReader row) => new(
        new(
            row.GetString(0), row.GetString(1), row.GetString(2), row.Value<DateTimeOffset>(3), row.GetInt32(4), row.GetInt64(5), row.Text(6),
            row.Value<DateTimeOffset>(7), row.Value<DateTimeOffset>(8), row.Value<int>(9), row.Text(10), row.Value<int>(11), row.GetInt64(12), row.GetInt32(13),
            row.Value<long>(14), row.Value<DateTimeOffset>(15), row.Text(17)),
        row.GetString(2) == "inactive" && row.IsDBNull(16));

    private static PartitionRow Partition(NpgsqlDataReader row) => new(
        row.GetInt32(0), row.GetString(1), row.Text(2), row.GetInt64(3), row.GetInt64(4), row.Value<DateTimeOffset>(5), row.Value<DateTimeOffset>(6),
        row.Value<DateTimeOffset>(7), row.Value<DateTimeOffset>(8));

    private static long[] Sum(IEnumerable<int[]> counts)
    {
        var sum = new long[LatencyHistogram.BucketCount];
        foreach (var each in counts)
        {
            for (var i = 0; i < Math.Min(each.Length, sum.Length); i++)
            {
                sum[i] += each[i];
            }
        }

        return sum;
    }
}
