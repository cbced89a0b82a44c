using FactoryMonitoring.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>
/// Writes into the database what the sensors and consumers of a running factory write: heartbeats, claims, counters, readings, alerts. The pages can thus be
/// tested without brokers, and a death is a heartbeat that stops.
/// </summary>
internal sealed class SimulatedFactory(NpgsqlDataSource database) : IAsyncDisposable
{
    public const int Partitions = 6;
    public static readonly string[] Consumers = ["sensor-consumer-1", "sensor-consumer-2", "sensor-consumer-3"];
    public static readonly Guid OpenAlert = new("11111111-1111-4111-8111-111111111111");
    public const string Sensor = "temp-sensor-001";
    public const string Trace = "0af7651916cd43dd8448eb211c80319c";

    private const string AdminShutdown = "57P01";
    private const string CrashShutdown = "57P02";
    private const string CannotConnectNow = "57P03";
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(500);
    private readonly CancellationTokenSource _end = new();
    private readonly HashSet<string> _silent = [];
    private long _offset = 5_000;
    private Task _beating = Task.CompletedTask;

    /// <summary>Starts the factory: three consumers own two partitions each, five producers send, and every page has content.</summary>
    public async Task StartAsync()
    {
        await ExecuteAsync("""
            INSERT INTO logs (log_id, first_seen) VALUES ('test-log', now() - interval '4 min');
            INSERT INTO consumers (consumer_id) SELECT 'sensor-consumer-' || n FROM generate_series(1, 3) n;
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at, recovered_at, last_commit_at, stored, stored_in_epoch)
            SELECT 1, 'sensor-data', p, 'sensor-consumer-' || 1 + p % 3, 1, 1000, 0, now() - interval '4 min', now() - interval '4 min', now(), 1000, 1000
            FROM generate_series(0, 5) p;
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, recovered_at)
            SELECT 1, 'sensor-data', p, 1, 'sensor-consumer-' || 1 + p % 3, now() - interval '4 min', now() - interval '4 min' FROM generate_series(0, 5) p;
            INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, "timestamp", log_key, generation, reason)
            SELECT 'sensor-consumer-' || 1 + p % 3, 'assigned', p, now() - interval '4 min', 1, 1, 'joined' FROM generate_series(0, 5) p;
            INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit, factory_section, machine_id, zone)
            SELECT prefix || '-sensor-' || lpad(n::text, 3, '0'), kind, unit, 'production', 'machine-' || lpad(n::text, 3, '0'), 'zone-a'
            FROM (VALUES ('temp', 'temperature', '°C'), ('vib', 'vibration', 'mm/s'), ('energy', 'energy', 'kW'), ('humid', 'humidity', '%'), ('press', 'pressure', 'hPa')) t (prefix, kind, unit),
                 generate_series(1, 8) n;
            INSERT INTO sensor_latest (sensor_id, sensor_key, value, alert_level, warning_threshold, critical_threshold, reading_count, "timestamp", log_key, kafka_partition, kafka_offset)
            SELECT sensor_id, sensor_key, 25 + sensor_key % 18, CASE WHEN 25 + sensor_key % 18 >= 40 THEN 2 WHEN 25 + sensor_key % 18 >= 35 THEN 1 ELSE 0 END, 35, 40, 500, now(), 1, sensor_key % 6, 900 + sensor_key
            FROM sensor_descriptions;
            INSERT INTO readings (processing_timestamp, "timestamp", kafka_offset, reading_count, value, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
            SELECT now() - n * interval '3 s', now() - n * interval '3 s' - interval '9 ms', 1000 - n, 600 - n, CASE WHEN n BETWEEN 4 AND 9 THEN 42 ELSE 30 + n % 3 END, 1, 1, 0, 1, 1, CASE WHEN n BETWEEN 4 AND 9 THEN 2 ELSE 0 END
            FROM generate_series(1, 120) n;
            INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, kafka_partition, consumer_key, log_key)
            SELECT processing_timestamp, kafka_offset, kafka_offset + 1, 1, kafka_partition, 1, 1 FROM readings;
            INSERT INTO rejected_messages (log_key, kafka_partition, kafka_offset, reason, detail, consumer_id) VALUES (1, 0, 7, 'not_json', 'x is an invalid start of a value', 'sensor-consumer-1');
            """);
        foreach (var type in SensorCatalog.Types.Values)
        {
            await ExecuteAsync(
                "INSERT INTO producer_health (producer_id, sensor_type, status, connection, started_at, sensor_count, process_id, host, last_acknowledged, total_messages_sent) VALUES ($1, $2, 'active', 'connected', now(), 24, 1, 'test', now(), 1200)",
                $"{type.Name}-sensor", type.Name);
        }

        foreach (var consumer in Consumers)
        {
            await ExecuteAsync(
                "INSERT INTO consumer_health (consumer_id, status, assigned_partitions, started_at, process_id, host, group_protocol, resident_bytes, total_messages_processed) VALUES ($1, 'active', $2, now(), 1, 'test', 'consumer', 60000000, 2000)",
                consumer, Owned(consumer));
        }

        await AlertAsync(OpenAlert, Sensor, "temperature", AnomalyTypes.CriticalThreshold, Severities.High, 42, "°C", resolved: false, offset: 993);
        await AlertAsync(Guid.NewGuid(), "vib-sensor-002", "vibration", AnomalyTypes.RapidChange, Severities.Medium, 6.1, "mm/s", resolved: true, offset: 10);
        await AlertAsync(Guid.NewGuid(), "humid-sensor-003", "humidity", AnomalyTypes.BaselineDeviation, Severities.Low, 61, "%", resolved: true, offset: 11);
        _beating = BeatAsync(_end.Token);
    }

    /// <summary>Stores readings as a consumer's batch does, in one transaction, and notifies of them.</summary>
    /// <returns>The time just after the commit.</returns>
    public async Task<DateTimeOffset> StoreAsync(int partition, int readings)
    {
        await ExecuteAsync("""
            UPDATE partition_offsets SET stored = stored + $2, stored_in_epoch = stored_in_epoch + $2, next_offset = next_offset + $2, last_commit_at = now() WHERE kafka_partition = $1
            """, partition, (long)readings);
        await ExecuteAsync($"NOTIFY {ResourceNames.ChangeChannel}, '{ChangeKinds.Commit}'");
        return DateTimeOffset.UtcNow;
    }

    /// <summary>Stores readings in all partitions, in each another number.</summary>
    public async Task StoreEverywhereAsync()
    {
        await ExecuteAsync("""
            UPDATE partition_offsets SET stored = stored + 20 + n, stored_in_epoch = stored_in_epoch + 20 + n, next_offset = next_offset + 20 + n, last_commit_at = now()
            FROM (SELECT kafka_partition AS p, (random() * 10)::integer AS n FROM partition_offsets) each WHERE kafka_partition = p
            """);
        await ExecuteAsync($"NOTIFY {ResourceNames.ChangeChannel}, '{ChangeKinds.Commit}'");
    }

    /// <summary>Returns the number of readings stored so far.</summary>
    public async Task<long> StoredAsync()
    {
        await using var command = database.CreateCommand("SELECT sum(stored)::bigint FROM partition_offsets");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Stops the heartbeat of this consumer.</summary>
    public void Kill(string consumer)
    {
        lock (_silent) _silent.Add(consumer);
    }

    public void Revive(string consumer)
    {
        lock (_silent) _silent.Remove(consumer);
    }

    /// <summary>Gives a dead consumer's partitions, all or only the given ones, to another consumer, as a claim would.</summary>
    public Task TakeOverAsync(string from, string to, params int[] partitions) => TakeOverAsync(from, to, waiting: null, partitions);

    /// <summary>The same, where so many readings wait in the log of each partition, which the new owner then stores.</summary>
    public async Task TakeOverAndStoreAsync(string from, string to, int waiting, params int[] partitions)
    {
        await TakeOverAsync(from, to, waiting, partitions);
        await ExecuteAsync("""
            WITH moved AS (
                UPDATE partition_offsets SET next_offset = next_offset + $2, stored = stored + $2, stored_in_epoch = stored_in_epoch + $2 WHERE kafka_partition = ANY ($1)
                RETURNING kafka_partition, next_offset)
            INSERT INTO reading_batches (first_offset, next_offset, stored, kafka_partition, consumer_key, log_key)
            SELECT next_offset - $2, next_offset, $2, kafka_partition, 1, 1 FROM moved
            """, partitions, waiting);
    }

    private Task TakeOverAsync(string from, string to, int? waiting, int[] partitions) => ExecuteAsync("""
        WITH claimed AS (
            UPDATE partition_offsets SET owner = $2, epoch = epoch + 1, claimed_at = now(), recovered_at = now(), last_commit_at = now() WHERE owner = $1 AND (cardinality($3::int[]) = 0 OR kafka_partition = ANY ($3))
            RETURNING kafka_partition, epoch, next_offset),
        ended AS (
            UPDATE partition_ownership o SET ended_at = now() - interval '6 s', ended_by = 'lost', last_commit_at = now() - interval '6 s' FROM claimed c WHERE o.kafka_partition = c.kafka_partition AND o.epoch = c.epoch - 1
            RETURNING 1),
        began AS (
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, recovered_at, claimed_from, log_end)
            SELECT 1, 'sensor-data', kafka_partition, epoch, $2, now(), now(), next_offset, next_offset + NULLIF($4, -1) FROM claimed RETURNING 1)
        INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, log_key, generation, reason, stall_ms)
        SELECT $2, 'assigned', kafka_partition, 1, epoch, 'claimed', 6000 FROM claimed
        UNION ALL SELECT $1, 'lost', kafka_partition, 1, epoch - 1, 'session expired', NULL FROM claimed
        """, from, to, partitions, waiting ?? -1);

    /// <summary>Waits until the next rebalance is another one than the last.</summary>
    public async Task SettleAsync()
    {
        await using var command = database.CreateCommand("""SELECT max("timestamp") < now() - interval '3 s' FROM rebalancing_events""");
        while (await command.ExecuteScalarAsync() is not true) await Task.Delay(TimeSpan.FromMilliseconds(100));
    }

    /// <summary>Makes the topic as large as this: each consumer owns every third partition.</summary>
    public async Task GrowAsync(int partitions)
    {
        await ExecuteAsync("""
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at, recovered_at, last_commit_at, stored, stored_in_epoch)
            SELECT 1, 'sensor-data', p, 'sensor-consumer-' || 1 + p % 3, 1, 1000, 0, now() - interval '4 min', now() - interval '4 min', now(), 1000, 1000 FROM generate_series($1, $2 - 1) p
            """, Partitions, partitions);
        await ExecuteAsync("""
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, recovered_at)
            SELECT 1, 'sensor-data', p, 1, 'sensor-consumer-' || 1 + p % 3, now() - interval '4 min', now() - interval '4 min' FROM generate_series($1, $2 - 1) p
            """, Partitions, partitions);
        await AssignAsync();
    }

    /// <summary>Takes the added partitions back.</summary>
    public async Task ShrinkAsync()
    {
        await ExecuteAsync("DELETE FROM partition_ownership WHERE kafka_partition >= $1", Partitions);
        await ExecuteAsync("DELETE FROM partition_offsets WHERE kafka_partition >= $1", Partitions);
        await AssignAsync();
    }

    private Task AssignAsync() => ExecuteAsync(
        "UPDATE consumer_health h SET assigned_partitions = (SELECT coalesce(array_agg(kafka_partition ORDER BY kafka_partition), '{}') FROM partition_offsets WHERE owner = h.consumer_id)");

    /// <summary>Adds a sensor that no longer sends, with a clock 9 h ahead, a unit that does not fit its type, and readings in several partitions.</summary>
    public Task AddStrangerAsync(string id) => ExecuteAsync("""
        WITH described AS (INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit) VALUES ($1, 'temperature', 'V') RETURNING sensor_id, sensor_key),
        unread AS (INSERT INTO unread_members (sensor_id, names) VALUES ($1, 'co2, data/lux') ON CONFLICT DO NOTHING),
        latest AS (
            INSERT INTO sensor_latest (sensor_id, sensor_key, value, alert_level, "timestamp", processing_timestamp, log_key, kafka_partition, kafka_offset,
                interval_ms, clock_offset_ms, home_log_key, home_partition, home_seen_at, other_seen_at, rule_unit, warning_threshold, critical_threshold)
            SELECT sensor_id, sensor_key, 0.0041, 0, now() + interval '9 h', now() - interval '5 min', 1, 4, 2003, 3000, 32400000, 1, 3, now() - interval '5 min', now() - interval '5 min', '°C', 0.0045, 0.00452 FROM described),
        stored AS (
            INSERT INTO readings (processing_timestamp, "timestamp", kafka_offset, value, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
            SELECT now() - interval '5 min' - n * interval '3 s', now() + interval '9 h', 2003 - n, 0.0041 + n * 0.0001, sensor_key, 1, 4, 1, 1, 0 FROM described, generate_series(0, 3) n
            RETURNING processing_timestamp, kafka_offset)
        INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, kafka_partition, consumer_key, log_key)
        SELECT processing_timestamp, kafka_offset, kafka_offset + 1, 1, 4, 1, 1 FROM stored
        """, id);

    /// <summary>Raises an alert: a sensor of a machine breaks a rule.</summary>
    public Task RaiseAsync(string sensor, string rule, string severity, bool resolved) =>
        AlertAsync(Guid.NewGuid(), sensor, "pressure", rule, severity, 1_048, "hPa", resolved, offset: Interlocked.Increment(ref _offset));

    /// <summary>Moves the alerts of a sensor into the past.</summary>
    public Task AgeAlertsAsync(string sensor, TimeSpan by) =>
        ExecuteAsync("""UPDATE alerts SET "timestamp" = "timestamp" - $2, updated_at = updated_at - $2 WHERE sensor_id = $1""", sensor, by);

    /// <summary>Counts the open conditions: those of one sensor are one.</summary>
    public async Task<long> OpenConditionsAsync()
    {
        await using var command = database.CreateCommand("SELECT count(DISTINCT (sensor_id, CASE sensor_type WHEN 'system' THEN anomaly_type END)) FROM alerts WHERE resolved_at IS NULL");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Deletes the alerts of a sensor.</summary>
    public Task ForgetAlertsAsync(string sensor) => ExecuteAsync("DELETE FROM alerts WHERE sensor_id = $1", sensor);

    /// <summary>Adds a dead letter: a message of this sensor was rejected a moment ago.</summary>
    public Task RejectAsync(string sensor) => ExecuteAsync(
        "INSERT INTO rejected_messages (log_key, kafka_partition, kafka_offset, reason, detail, consumer_id, sensor_id) SELECT 1, 5, 8000 + count(*), 'level_unknown', 'alert_level is none of the known', 'sensor-consumer-1', $1 FROM rejected_messages", sensor);

    /// <summary>Deletes the dead letters of a sensor.</summary>
    public Task ForgetRejectedAsync(string sensor) => ExecuteAsync("DELETE FROM rejected_messages WHERE sensor_id = $1", sensor);

    /// <summary>Adds one second in which far more was stored than usual.</summary>
    public Task SpikeAsync(int stored) => ExecuteAsync("""
        INSERT INTO consumer_samples (at, consumer_id, stored, latency_histogram, commit_ms) VALUES (date_trunc('second', now()), 'sensor-consumer-1', $1, $2, 4)
        ON CONFLICT (at, consumer_id) DO UPDATE SET stored = excluded.stored
        """, stored, Latencies);

    /// <summary>Removes the sensor.</summary>
    public Task RemoveStrangerAsync(string id) => ExecuteAsync("""
        WITH latest AS (DELETE FROM sensor_latest WHERE sensor_id = $1),
        stored AS (
            DELETE FROM readings r USING sensor_descriptions d WHERE d.sensor_id = $1 AND r.sensor_key = d.sensor_key RETURNING r.kafka_partition, r.kafka_offset)
        DELETE FROM reading_batches b USING stored s WHERE b.kafka_partition = s.kafka_partition AND b.first_offset = s.kafka_offset
        """, id);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        try
        {
            await _beating;
        }
        catch (OperationCanceledException)
        {
            // The loop was cancelled. Any other exception means that the factory stood still during the test.
        }

        _end.Dispose();
    }

    private static int[] Owned(string consumer) => [.. Enumerable.Range(0, Partitions).Where(partition => Consumers[partition % 3] == consumer)];

    private Task AlertAsync(Guid id, string sensor, string type, string rule, string severity, double value, string unit, bool resolved, long offset) => ExecuteAsync($"""
        INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, sensor_value, sensor_unit, description, detected_by, reading_timestamp, factory_section, machine_id, zone,
                            sensor_alert_level, occurrences, peak_value, resolved_at, log_key, kafka_partition, kafka_offset, trace_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $2 || ': ' || $4, 'sensor-consumer-1', now(), 'production', 'machine-001', 'zone-a', 'critical', 3, $6, {(resolved ? "now()" : "NULL")}, 1, 0, $8,
                $9)
        """, id, sensor, type, rule, severity, value, unit, offset, Trace);

    private async Task BeatAsync(CancellationToken end)
    {
        using var timer = new PeriodicTimer(Beat);
        while (await timer.WaitForNextTickAsync(end))
        {
            string[] alive;
            lock (_silent) alive = [.. Consumers.Where(consumer => !_silent.Contains(consumer))];
            try
            {
                await ExecuteAsync("UPDATE consumer_health SET status = 'active', last_heartbeat = now() WHERE consumer_id = ANY ($1)", (object)alive);
                await ExecuteAsync("UPDATE producer_health SET status = 'active', last_heartbeat = now(), last_acknowledged = now(), total_messages_sent = total_messages_sent + 2");
                await ExecuteAsync("""
                    INSERT INTO consumer_samples (at, consumer_id, stored, latency_histogram, commit_ms, slowest_ms, slowest_trace_id)
                    SELECT date_trunc('second', now()), consumer, 9, $2, 4, 38, $3 FROM unnest($1) consumer ON CONFLICT DO NOTHING
                    """, alive, Latencies, Trace);
                await ExecuteAsync("INSERT INTO producer_samples (at, producer_id, acknowledged) SELECT date_trunc('second', now()), producer_id, 5 FROM producer_health ON CONFLICT DO NOTHING");
            }
            catch (NpgsqlException exception) when (exception is not PostgresException { SqlState: not (AdminShutdown or CrashShutdown or CannotConnectNow) })
            {
                // The test has stopped the database: the heartbeats continue when it is back.
            }
        }
    }

    private static int[] Latencies { get; } = [.. Enumerable.Range(0, LatencyHistogram.BucketCount).Select(bucket => bucket == LatencyHistogram.BucketOf(9) ? 8 : bucket == LatencyHistogram.BucketOf(38) ? 1 : 0)];

    private async Task ExecuteAsync(string sql, params object[] parameters)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter is string[] texts ? new NpgsqlParameter { Value = texts, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text } : new NpgsqlParameter { Value = parameter });
        }

        await command.ExecuteNonQueryAsync();
    }
}
