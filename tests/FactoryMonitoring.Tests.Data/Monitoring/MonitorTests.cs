using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>What the monitor writes to the database.</summary>
public sealed class MonitorTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    private static readonly MonitorFindings Nothing = new(false, [], null, null, null, [], [], []);

    private MonitorStore Store => new(Database.Monitor);

    [Fact]
    public async Task Who_is_silent_is_marked_and_the_reason_noted()
    {
        await ExecuteAsync("""
            INSERT INTO consumer_health (consumer_id, status, last_heartbeat, assigned_partitions)
            VALUES ('sensor-consumer-1', 'active', clock_timestamp() + interval '1 h', '{0}'), ('sensor-consumer-2', 'active', clock_timestamp() - interval '6 s', '{1}')
            """);
        await ExecuteAsync("INSERT INTO producer_health (producer_id, sensor_type, status, last_heartbeat) VALUES ('temperature-sensor', 'temperature', 'active', clock_timestamp() - interval '6 s')");

        Assert.True(await Store.WriteAsync(Nothing with { MarkSilent = true }, Timeout));
        Assert.True(await Store.WriteAsync(Nothing with { MarkSilent = true }, Timeout));

        Assert.Equal(
            [["sensor-consumer-1", "active", new[] { 0 }], ["sensor-consumer-2", "inactive", Array.Empty<int>()]],
            await Database.RowsAsync("SELECT consumer_id, status, assigned_partitions FROM consumer_health ORDER BY 1", Timeout));
        Assert.Equal(
            [["consumer", "sensor-consumer-2", "no heartbeat for 5 s"], ["producer", "temperature-sensor", "no heartbeat for 5 s"]],
            await Database.RowsAsync("SELECT component_kind, component_id, reason FROM status_changes WHERE status = 'inactive' ORDER BY 1", Timeout));
    }

    [Fact]
    public async Task A_sensor_that_is_silent_raises_an_alert_until_it_is_back()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log')");
        await ExecuteAsync("INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit) SELECT id, 'temperature', '°C' FROM unnest(ARRAY['alive', 'hourly', 'silent', 'unknown']) id");
        await ExecuteAsync("""
            INSERT INTO sensor_latest (sensor_id, sensor_key, value, alert_level, "timestamp", processing_timestamp, log_key, kafka_partition, kafka_offset, interval_ms)
            SELECT sensor_id, sensor_key, 1, 0, now() + interval '9 h', now() - CASE sensor_id WHEN 'alive' THEN interval '5 s' ELSE interval '2 min' END, 1, 0, 1,
                CASE sensor_id WHEN 'hourly' THEN 3600000 WHEN 'unknown' THEN NULL ELSE 3000 END
            FROM sensor_descriptions
            """);
        const string Alerts = "SELECT sensor_id, resolved_at IS NOT NULL FROM alerts WHERE anomaly_type = 'sensor_silent' ORDER BY 1";

        await Store.WriteSilencesAsync(TimeSpan.FromMinutes(1), Timeout);
        await Store.WriteSilencesAsync(TimeSpan.FromMinutes(1), Timeout);
        Assert.Equal([["silent", false], ["unknown", false]], await Database.RowsAsync(Alerts, Timeout));

        await ExecuteAsync("UPDATE sensor_latest SET processing_timestamp = clock_timestamp() WHERE sensor_id = 'silent'");
        await Store.WriteSilencesAsync(TimeSpan.FromMinutes(1), Timeout);
        Assert.Equal([["silent", true], ["unknown", false]], await Database.RowsAsync(Alerts, Timeout));
    }

    [Fact]
    public async Task A_blind_monitor_marks_nobody()
    {
        await ExecuteAsync("INSERT INTO consumer_health (consumer_id, status, last_heartbeat) VALUES ('sensor-consumer-1', 'active', clock_timestamp() - interval '6 s')");

        await Store.WriteAsync(Nothing, Timeout);

        Assert.Equal("active", await Database.ScalarAsync<string>("SELECT status FROM consumer_health", Timeout));
    }

    [Fact]
    public async Task One_of_several_does_it()
    {
        await using var connection = await Database.DataSource.OpenConnectionAsync(Timeout);
        await using var transaction = await connection.BeginTransactionAsync(Timeout);
        await using var holds = new Npgsql.NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('factory_monitoring.monitor'))", connection);
        await holds.ExecuteNonQueryAsync(Timeout);

        Assert.False(await Store.WriteAsync(Nothing, Timeout));

        await transaction.RollbackAsync(Timeout);
        Assert.True(await Store.WriteAsync(Nothing, Timeout));
    }

    [Fact]
    public async Task Brokers_are_noted_when_they_change()
    {
        await Store.WriteAsync(Nothing with { Brokers = [("kafka1", true), ("kafka2", true)] }, Timeout);
        await Store.WriteAsync(Nothing with { Brokers = [("kafka1", true), ("kafka2", false)] }, Timeout);
        await Store.WriteAsync(Nothing with { Brokers = [("kafka1", true), ("kafka2", false)] }, Timeout);
        await Store.WriteAsync(Nothing with { Brokers = [("kafka1", true), ("kafka2", true)] }, Timeout);

        Assert.Equal(
            [["kafka1", "up"], ["kafka2", "up"], ["kafka2", "down"], ["kafka2", "up"]],
            await Database.RowsAsync("SELECT component_id, status FROM status_changes WHERE component_kind = 'broker' ORDER BY id", Timeout));
    }

    [Fact]
    public async Task Replicas_and_controllers_are_noted_when_they_change()
    {
        ClusterCondition inSync = new("replicas", "kafka2", "in sync", null), controller = new("controller", "controller", "kafka1", null);
        foreach (ClusterCondition[] cluster in (ClusterCondition[][])
            [[inSync, controller], [inSync with { Status = "out of sync", Detail = "P0" }, controller], [inSync with { Status = "out of sync", Detail = "P0, P1" }], [inSync, controller with { Status = "kafka3" }]])
        {
            await Store.WriteAsync(Nothing with { Cluster = cluster }, Timeout);
            await Store.WriteAsync(Nothing with { Cluster = cluster }, Timeout);
        }

        await Store.WriteAsync(Nothing with { Brokers = [("kafka2", false)] }, Timeout);
        var changes = (await new ClusterChangeQueries(Database.Monitor).ReadAsync(new(TimeSpan.FromHours(1)), Timeout)).Reverse().ToLookup(change => change.Kind, change => (change.ComponentId, change.Status, change.Detail));
        Assert.Equal([("kafka2", "down", null)], changes["broker"]);
        Assert.Equal([("controller", "kafka1", null), ("controller", "kafka3", null)], changes["controller"]);
        Assert.Equal([("kafka2", "in sync", null), ("kafka2", "out of sync", "P0"), ("kafka2", "out of sync", "P0, P1"), ("kafka2", "in sync", null)], changes["replicas"]);
    }

    [Fact]
    public async Task An_outage_is_written_once_by_all_who_saw_it()
    {
        var outage = new DatabaseOutage(Now.AddSeconds(-30), Now.AddSeconds(-20));
        await Store.WriteAsync(Nothing with { Outages = [outage] }, Timeout);
        await Store.WriteAsync(Nothing with { Outages = [outage with { From = outage.From.AddSeconds(1) }] }, Timeout);

        Assert.Equal(
            [["postgres", "down", Now.AddSeconds(-30)], ["postgres", "up", Now.AddSeconds(-20)]],
            await Database.RowsAsync("SELECT component_id, status, at FROM status_changes ORDER BY at", Timeout));
        Assert.Equal(
            [["system", "database_down", "critical", "The database did not answer for 10 s", Now.AddSeconds(-30), Now.AddSeconds(-20)]],
            await Database.RowsAsync("SELECT sensor_type, anomaly_type, severity, description, \"timestamp\", resolved_at FROM alerts", Timeout));
    }

    [Fact]
    public async Task Lag_is_sampled_once_a_second_and_the_highest_rate_is_kept()
    {
        await ExecuteAsync("""
            INSERT INTO consumer_samples (at, consumer_id, stored, latency_histogram)
            SELECT date_trunc('second', CURRENT_TIMESTAMP) - make_interval(secs => s), c, 100 * s, '{}' FROM generate_series(1, 3) s, unnest('{a,b}'::text[]) c
            """);
        var sample = Nothing with { LagAt = Now.AddMilliseconds(300), Lag = 7, LagSeconds = 0.5 };
        await Store.WriteAsync(sample, Timeout);
        await Store.WriteAsync(sample with { LagAt = Now.AddMilliseconds(900), Lag = 8 }, Timeout);
        await Store.WriteAsync(sample with { LagAt = Now.AddMilliseconds(1100), Lag = 9, LagSeconds = null }, Timeout);

        Assert.Equal([[Now, 7L, 0.5], [Now.AddSeconds(1), 9L, null]], await Database.RowsAsync("SELECT at, lag, lag_seconds FROM lag_samples ORDER BY at", Timeout));
        Assert.Equal(600L, await Database.ScalarAsync<long>("SELECT stored_per_second FROM throughput_record", Timeout));

        await ExecuteAsync("UPDATE consumer_samples SET stored = 1");
        await Store.WriteAsync(Nothing, Timeout);
        Assert.Equal(600L, await Database.ScalarAsync<long>("SELECT stored_per_second FROM throughput_record", Timeout));
    }

    [Fact]
    public async Task An_alert_is_raised_once_and_resolved_when_it_no_longer_holds()
    {
        var down = new SystemAlert("broker_down", "kafka2", "kafka2 is down");
        var findings = Nothing with { Judged = ["broker_down"], Alerts = [down] };
        await Store.WriteAsync(findings, Timeout);
        await Store.WriteAsync(findings, Timeout);
        Assert.Equal([["kafka2", "broker_down", false]], await AlertsAsync());

        // Conditions that could not be judged stay.
        await Store.WriteAsync(Nothing with { Judged = ["consumer_down"] }, Timeout);
        Assert.Equal([["kafka2", "broker_down", false]], await AlertsAsync());

        await Store.WriteAsync(findings with { Alerts = [] }, Timeout);
        Assert.Equal([["kafka2", "broker_down", true]], await AlertsAsync());

        await Store.WriteAsync(findings, Timeout);
        Assert.Equal([["kafka2", "broker_down", true], ["kafka2", "broker_down", false]], await AlertsAsync());
    }

    [Fact]
    public async Task Two_processes_raise_one_alert_about_a_dead_consumer_and_resolve_it()
    {
        await ExecuteAsync("INSERT INTO consumer_health (consumer_id, status, last_heartbeat, assigned_partitions) VALUES ('sensor-consumer-2', 'active', clock_timestamp() - interval '6 s', '{1}')");
        await StartServingApiAsync();
        await StartServingApiAsync();

        await EventuallyAsync(async () => (await AlertsAsync()).Count > 0);
        Assert.Equal([["sensor-consumer-2", "consumer_down", false]], await AlertsAsync());

        await ExecuteAsync("UPDATE consumer_health SET status = 'active', last_heartbeat = clock_timestamp() + interval '1 h'");
        await EventuallyAsync(async () => (await AlertsAsync()) is [[_, _, true]]);
        Assert.Equal([["active"], ["inactive"], ["active"]], await Database.RowsAsync("SELECT status FROM status_changes ORDER BY id", Timeout));
    }

    private Task<List<object?[]>> AlertsAsync() =>
        Database.RowsAsync("SELECT sensor_id, anomaly_type, resolved_at IS NOT NULL FROM alerts WHERE sensor_type = 'system' ORDER BY \"timestamp\", resolved_at NULLS LAST", Timeout);
}
