using System.Globalization;
using System.Net;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>What the API serves while the database is unavailable.</summary>
public sealed class StalenessTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    [Fact]
    public async Task Before_anything_was_read_there_is_nothing_to_serve()
    {
        await Postgres.KillAsync();
        ApiUnderTest api;
        try
        {
            api = await StartApiAsync();
            foreach (var path in (string[])["/api/system-status", "/api/ledger", "/api/stream", "/api/sensors", "/api/rebalancing-events"])
            {
                var answer = await api.GetAsync(path, Timeout);
                Assert.Equal(
                    (HttpStatusCode.ServiceUnavailable, "application/problem+json", "1", "No snapshot yet"),
                    (answer.Status, answer.Header("Content-Type"), answer.Header("Retry-After"), (string?)answer.Json["title"]));
            }
        }
        finally
        {
            await Postgres.StartAsync();
        }

        await EventuallyAsync(async () => (await api.GetAsync("/api/system-status", Timeout)).Status == HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_blind_observer_declares_nobody_dead()
    {
        var api = await StartServingApiAsync();
        var sensors = await api.GetAsync("/api/sensors", Timeout);
        await ExecuteAsync("INSERT INTO consumer_health (consumer_id, status, last_heartbeat, assigned_partitions) VALUES ('sensor-consumer-1', 'active', clock_timestamp() + interval '5 s', '{0}')");
        await EventuallyAsync(async () => await StatusAsync(api) == ("active", false));

        await Postgres.FreezeAsync();
        try
        {
            // Long past the heartbeat's limit.
            await EventuallyAsync(async () => int.Parse((await api.GetAsync("/api/consumer-health", Timeout)).Header("Age")!, CultureInfo.InvariantCulture) >= 11);
            Assert.Equal(("active", true), await StatusAsync(api));
            var system = await api.GetAsync("/api/system-status", Timeout);
            Assert.Equal((true, "critical"), ((bool)system.Json["stale"]!, (string?)system.Json["overall"]!["level"]));
            Assert.Matches("^The database does not answer for [0-9]+ s$", (string?)system.Json["overall"]!["title"]);

            var sensorsNow = await api.GetAsync("/api/sensors", Timeout);
            Assert.Equal((HttpStatusCode.OK, sensors.Body, "true"), (sensorsNow.Status, sensorsNow.Body, sensorsNow.Header("X-Stale")));
        }
        finally
        {
            await Postgres.ThawAsync();
        }

        // There was no heartbeat since: the consumer is dead, but only after the grace period.
        await EventuallyAsync(async () => await StatusAsync(api) == ("inactive", false));
        await EventuallyAsync(async () => await Database.ScalarAsync<long>("SELECT count(*) FROM status_changes WHERE component_kind = 'database'", Timeout) == 2);
        Assert.Equal(
            [["database_down", "critical", true]],
            await Database.RowsAsync("SELECT anomaly_type, severity, resolved_at IS NOT NULL FROM alerts WHERE sensor_id = 'postgres'", Timeout));
    }

    [Fact]
    public async Task Nobody_is_declared_dead_whose_heartbeats_a_read_only_database_refused()
    {
        var api = await StartServingApiAsync();
        await ExecuteAsync("INSERT INTO consumer_health (consumer_id, status, last_heartbeat, assigned_partitions) VALUES ('sensor-consumer-1', 'active', clock_timestamp() - interval '1 s', '{0}')");
        await EventuallyAsync(async () => await StatusAsync(api) == ("active", false));
        var name = await Database.ScalarAsync<string>("SELECT current_database()::text", Timeout);
        await ExecuteAsync($"ALTER DATABASE {name} SET default_transaction_read_only = on");
        await ExecuteAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'factory_monitor'");
        await EventuallyAsync(async () => (string?)(await api.GetAsync("/api/system-status", Timeout)).Json["overall"]!["title"] == "The database is read-only");
        await EventuallyAsync(() => Database.ScalarAsync<bool>("SELECT last_heartbeat < clock_timestamp() - interval '6 s' FROM consumer_health", Timeout));

        await ExecuteAsync($"ALTER DATABASE {name} RESET default_transaction_read_only");
        Database.DataSource.Clear();
        await ExecuteAsync("INSERT INTO consumer_samples (at, consumer_id, stored, latency_histogram, commit_ms) VALUES (date_trunc('second', clock_timestamp()), 'sensor-consumer-1', 7, '{7}', 4)");

        // The observer writes again before the consumer does.
        await EventuallyAsync(() => Database.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM throughput_record WHERE stored_per_second = 7)", Timeout));
        Assert.Equal(("active", false), await StatusAsync(api));
        Assert.Equal("active", await Database.ScalarAsync<string>("SELECT status FROM consumer_health", Timeout));
    }

    [Fact]
    public async Task Silence_of_five_seconds_is_death_and_a_clean_stop_is_death_at_once()
    {
        await ExecuteAsync("INSERT INTO consumer_health (consumer_id, status, last_heartbeat, assigned_partitions) VALUES ('sensor-consumer-1', 'active', clock_timestamp() + interval '1 h', '{0}')");
        var api = await StartServingApiAsync();
        await EventuallyAsync(async () => await StatusAsync(api) == ("active", false));

        await ExecuteAsync("UPDATE consumer_health SET status = 'inactive'");
        await EventuallyAsync(async () => await StatusAsync(api) == ("inactive", false));

        await ExecuteAsync("UPDATE consumer_health SET status = 'active', last_heartbeat = clock_timestamp()");
        await EventuallyAsync(async () => await StatusAsync(api) == ("active", false));
        await EventuallyAsync(async () => await StatusAsync(api) == ("inactive", false));
        Assert.InRange(await Database.ScalarAsync<double>("SELECT extract(epoch FROM clock_timestamp() - last_heartbeat)::float8 FROM consumer_health", Timeout), 5, 60);
    }

    private async Task<(string?, bool)> StatusAsync(ApiUnderTest api)
    {
        var answer = await api.GetAsync("/api/consumer-health", Timeout);
        return ((string?)answer.Json.AsArray().FirstOrDefault()?["status"], answer.Header("X-Stale") == "true");
    }
}
