using System.Net;
using System.Text.Json.Nodes;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>The history: ownership, the timing of a death, curves, the account.</summary>
[Trait("Loop", "quick")]
public sealed class HistoryTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    // A consumer that owned partitions 1 and 4 was killed 60 s ago; 1 went to sensor-consumer-1, 4 to sensor-consumer-3.
    private DateTime Killed => Now.AddSeconds(-60);

    private async Task InsertDeathAsync()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-a')");
        await ExecuteAsync("""
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at, recovered_at, last_commit_at, stored_in_epoch, stored)
            VALUES (1, 'sensor-data', 1, 'sensor-consumer-1', 3, 900, 0, $1 + interval '6 s', $1 + interval '6.5 s', $1 + interval '30 s', 400, 900),
                   (1, 'sensor-data', 4, 'sensor-consumer-3', 2, 700, 0, $1 + interval '7 s', $1 + interval '7.25 s', $1 + interval '31 s', 300, 700)
            """, Killed);
        await ExecuteAsync("""
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, recovered_at, last_commit_at, ended_at, ended_by, stored)
            VALUES (1, 'sensor-data', 1, 1, 'sensor-consumer-1', $1 - interval '2 h', $1 - interval '2 h', $1 - interval '1 h', $1 - interval '1 h', 'revoked', 100),
                   (1, 'sensor-data', 1, 2, 'sensor-consumer-2', $1 - interval '1 h', $1 - interval '59 min', $1 - interval '1 s', $1 - interval '1 s', 'lost', 400),
                   (1, 'sensor-data', 1, 3, 'sensor-consumer-1', $1 + interval '6 s', $1 + interval '6.5 s', NULL, NULL, NULL, NULL),
                   (1, 'sensor-data', 4, 1, 'sensor-consumer-2', $1 - interval '1 h', $1 - interval '59 min', $1, $1, 'lost', 400),
                   (1, 'sensor-data', 4, 2, 'sensor-consumer-3', $1 + interval '7 s', $1 + interval '7.25 s', NULL, NULL, NULL, NULL)
            """, Killed);
        await ExecuteAsync("""
            INSERT INTO status_changes (component_kind, component_id, status, reason, at)
            VALUES ('consumer', 'sensor-consumer-2', 'active', NULL, $1 - interval '3 min'),
                   ('consumer', 'sensor-consumer-2', 'inactive', 'no heartbeat for 5 s', $1 + interval '5.8 s')
            """, Killed);
    }

    [Fact]
    public async Task Of_too_many_ownerships_the_present_owners_and_the_newest_are_read()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-a')");
        await ExecuteAsync("""
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, recovered_at, last_commit_at, ended_at, ended_by, stored)
            SELECT 1, 'sensor-data', p, e, 'sensor-consumer-1', $1 - make_interval(mins => 60 - e), $1 - make_interval(mins => 60 - e), NULL,
                   CASE WHEN p < 599 AND e < 10 THEN $1 - make_interval(mins => 59 - e) END, CASE WHEN p < 599 AND e < 10 THEN 'revoked' END, 1
            FROM generate_series(0, 599) p, generate_series(1, 10) e WHERE p < 599 OR e = 1
            """, Now);
        var api = await StartServingApiAsync();

        var spans = (await api.GetAsync("/api/ownership?minutes=120", Timeout)).Json["spans"]!.AsArray().Select(span => ((int)span!["partition"]!, (int)span["generation"]!)).ToList();

        Assert.Equal(5_000, spans.Count);
        Assert.Equal(spans.Order(), spans);
        Assert.Equal(600, spans.Select(span => span.Item1).Distinct().Count());
        Assert.Equal(Enumerable.Range(0, 599), spans.Where(span => span.Item2 == 10).Select(span => span.Item1));
        Assert.Contains((599, 1), spans); // has had the same owner for longer than all the others
    }

    private Task InsertBrokerDownAsync() =>
        ExecuteAsync("INSERT INTO status_changes (component_kind, component_id, status, at) VALUES ('broker', 'kafka2', 'down', $1 + interval '10 s')", Killed);

    private Task InsertLagAsync() =>
        // The lag is back below its earlier level 3 s after the last first record.
        ExecuteAsync("""
            INSERT INTO lag_samples (at, lag, lag_seconds) SELECT $1 + make_interval(secs => s), CASE WHEN s <= 1 THEN 4 WHEN s <= 9 THEN 50 ELSE 3 END, NULL
            FROM generate_series(-20, 20) s
            """, Killed);

    [Fact]
    public async Task Ownership_shows_spans_stalls_and_marks()
    {
        await InsertDeathAsync();
        await InsertBrokerDownAsync();
        await ExecuteAsync("INSERT INTO component_exits (component_id, at, exit_code, cause, asked_by) VALUES ('sensor-consumer-2', $1 + interval '1 s', 137, 'killed', 'make')", Killed);
        var api = await StartServingApiAsync();

        var body = (await api.GetAsync("/api/ownership?minutes=5", Timeout)).Json;

        Assert.Equal(
            Compact($$"""
                [{"partition":1,"generation":2,"consumer_id":"sensor-consumer-2","claimed_at":"{{Json(Killed.AddHours(-1))}}","recovered_at":"{{Json(Killed.AddMinutes(-59))}}",
                  "last_commit_at":"{{Json(Killed.AddSeconds(-1))}}","ended_at":"{{Json(Killed.AddSeconds(-1))}}","ended_by":"lost","stored":400,"stall_ms":60000},
                 {"partition":1,"generation":3,"consumer_id":"sensor-consumer-1","claimed_at":"{{Json(Killed.AddSeconds(6))}}","recovered_at":"{{Json(Killed.AddSeconds(6))[..^1]}}.5Z",
                  "last_commit_at":"{{Json(Killed.AddSeconds(30))}}","ended_at":null,"ended_by":null,"stored":400,"stall_ms":7500},
                 {"partition":4,"generation":1,"consumer_id":"sensor-consumer-2","claimed_at":"{{Json(Killed.AddHours(-1))}}","recovered_at":"{{Json(Killed.AddMinutes(-59))}}",
                  "last_commit_at":"{{Json(Killed)}}","ended_at":"{{Json(Killed)}}","ended_by":"lost","stored":400,"stall_ms":null},
                 {"partition":4,"generation":2,"consumer_id":"sensor-consumer-3","claimed_at":"{{Json(Killed.AddSeconds(7))}}","recovered_at":"{{Json(Killed.AddSeconds(7))[..^1]}}.25Z",
                  "last_commit_at":"{{Json(Killed.AddSeconds(31))}}","ended_at":null,"ended_by":null,"stored":300,"stall_ms":7250}]
                """),
            Compact(body["spans"]!.ToJsonString()));
        Assert.Equal(
            Compact($$"""
                [{"at":"{{Json(Killed.AddMinutes(-3))}}","kind":"join","component_id":"sensor-consumer-2","detail":null},
                 {"at":"{{Json(Killed.AddSeconds(1))}}","kind":"kill","component_id":"sensor-consumer-2","detail":"by make"},
                 {"at":"{{Json(Killed.AddSeconds(5))[..^1]}}.8Z","kind":"leave","component_id":"sensor-consumer-2","detail":"no heartbeat for 5 s"},
                 {"at":"{{Json(Killed.AddSeconds(10))}}","kind":"broker-down","component_id":"kafka2","detail":null}]
                """),
            Compact(body["marks"]!.ToJsonString()));
        Assert.Equal(TimeSpan.FromMinutes(5), (DateTimeOffset)body["to"]! - (DateTimeOffset)body["from"]!);
    }

    [Fact]
    public async Task The_stopwatch_runs_from_the_exit_where_it_was_seen()
    {
        await InsertDeathAsync();
        await ExecuteAsync("INSERT INTO component_exits (component_id, at, exit_code, cause, asked_by) VALUES ('sensor-consumer-2', $1 + interval '1 s', 137, 'killed', 'make')", Killed);
        await InsertLagAsync();
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact($$"""
                {"component_id":"sensor-consumer-2","killed_at":"{{Json(Killed.AddSeconds(1))}}","killed_at_source":"exit",
                 "noticed_ms":4800,"reassigned_ms":6000,"first_record_ms":6250,"caught_up_ms":9000,"partitions":[1,4]}
                """),
            Compact((await api.GetAsync("/api/system-status", Timeout)).Json["overall"]!["recovery"]!.ToJsonString()));
    }

    [Fact]
    public async Task The_stopwatch_runs_from_the_last_commit_where_nobody_saw_the_exit()
    {
        await InsertDeathAsync();
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact($$"""
                {"component_id":"sensor-consumer-2","killed_at":"{{Json(Killed)}}","killed_at_source":"commit",
                 "noticed_ms":5800,"reassigned_ms":7000,"first_record_ms":7250,"caught_up_ms":null,"partitions":[1,4]}
                """),
            Compact((await api.GetAsync("/api/system-status", Timeout)).Json["overall"]!["recovery"]!.ToJsonString()));
    }

    [Fact]
    public async Task A_recovery_that_is_over_makes_way_for_what_goes_down_next()
    {
        await InsertDeathAsync();
        await InsertLagAsync();
        await InsertBrokerDownAsync();
        var api = await StartServingApiAsync();

        Assert.Null((await api.GetAsync("/api/system-status", Timeout)).Json["overall"]!["recovery"]);
    }

    [Fact]
    public async Task Curves_sum_the_samples_of_whole_intervals()
    {
        // The buckets of 20 and 40 ms; the interval two intervals back is complete, whatever the current second.
        await ExecuteAsync("""
            WITH step AS (SELECT date_bin('5 s', CURRENT_TIMESTAMP, 'epoch') - interval '10 s' AS at)
            INSERT INTO consumer_samples (at, consumer_id, stored, latency_histogram)
            SELECT at + make_interval(secs => s), c, 10, ARRAY(SELECT CASE i WHEN 20 THEN 9 WHEN 30 THEN 1 ELSE 0 END FROM generate_series(1, 30) i)
            FROM step, generate_series(0, 4) s, unnest('{sensor-consumer-1,sensor-consumer-2}'::text[]) c
            """);
        await ExecuteAsync("""
            WITH step AS (SELECT min(at) AS at FROM consumer_samples)
            INSERT INTO producer_samples (at, producer_id, acknowledged) SELECT at + make_interval(secs => s), 'temperature-sensor', 21 FROM step, generate_series(0, 4) s
            """);
        await ExecuteAsync("INSERT INTO lag_samples SELECT min(at) + make_interval(secs => s), 3 + s, 0.5 FROM consumer_samples, generate_series(0, 2) s GROUP BY s");
        var at = await Database.ScalarAsync<DateTime>("SELECT min(at) FROM consumer_samples", Timeout);

        var history = await new HistoryQueries(Database.Monitor).ReadAsync(new(TimeSpan.FromMinutes(10)), Timeout);

        Assert.Equal(5, history.IntervalSeconds);
        Assert.Equal([new(at, 21, 20, 20, 40, 40, 5, 0.5)], history.Points);
        var seconds = (history.To.UtcDateTime - at).TotalSeconds;
        Assert.Equal(new(105 / seconds, 100 / seconds, 20, 40, 40, 5, 0.5), history.Whole);
        Assert.Equal(TimeSpan.FromMinutes(10), history.To - history.From);
    }

    [Fact]
    public async Task The_account_adds_up()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-old'), ('log-a'), ('log-unread')");
        await ExecuteAsync("""
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at, stored, rejected, redelivered, duplicated, skipped, uncounted, messages)
            VALUES (1, 'sensor-data', 0, NULL, 1, 50, 0, $1 - interval '1 h', 50, 0, 1, 0, 0, 0, 50), (2, 'sensor-data', 0, 'sensor-consumer-1', 1, 100, 10, $1, 88, 2, 3, 1, 3, 15, 85)
            """, Now);
        await ExecuteAsync("""
            INSERT INTO ledger (producer_id, log_key, kafka_partition, acknowledged, stored, rejected, missing)
            VALUES ('temperature-sensor', 1, 0, 50, 50, 0, 0), ('temperature-sensor', 2, 0, 40, 36, 1, 3), ('vibration-sensor', 2, 0, 20, 20, 0, 0)
            """);
        await ExecuteAsync("INSERT INTO acknowledged_totals SELECT producer_id, log_key, kafka_partition, acknowledged, $1 FROM ledger", Now);
        await ExecuteAsync("""
            INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset, acknowledged_at)
            VALUES ('temperature-sensor', 'temp-sensor-001', 2, 0, 1, 10, 99, $1),   -- passed, not compared yet
                   ('temperature-sensor', 'temp-sensor-001', 2, 0, 11, 15, 100, $1), -- at next_offset: in flight
                   ('vibration-sensor', 'vib-sensor-001', 2, 1, 1, 2, 7, $1),        -- a partition nobody claimed yet: in flight
                   ('vibration-sensor', 'vib-sensor-001', 1, 0, 1, 3, 60, $1),       -- never read before its log ended
                   ('vibration-sensor', 'vib-sensor-001', 3, 0, 4, 4, 0, $1 - interval '1 min') -- a log nobody ever claimed, and others since
            """, Now);
        await ExecuteAsync("""
            INSERT INTO ledger_violations (kind, sensor_id, producer_id, first_count, last_count, log_key, kafka_partition, kafka_offset, consumer_id, noticed_at)
            VALUES ('missing', 'temp-sensor-001', 'temperature-sensor', 5, 7, 2, 0, 42, 'sensor-consumer-1', $1)
            """, Now);
        await ExecuteAsync("INSERT INTO detector_snapshots (log_key, topic, kafka_partition, snapshot_offset, state, written_at) VALUES (2, 'sensor-data', 0, 90, '', $1)", Now);
        await ExecuteAsync("UPDATE reading_audit SET audited_until = $1, batches = 2, readings = 30", Now);
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact($$"""
                {"acknowledged":127,"stored":138,"stored_acknowledged":116,"redelivered":4,"rejected":2,"rejected_acknowledged":1,"in_flight":7,"missing":3,"duplicated":1,"unconfirmed":7,"uncounted":15,"unreachable":4,
                 "producers":[{"producer_id":"temperature-sensor","acknowledged":105,"stored_acknowledged":96,"rejected":1,"in_flight":5,"missing":3,"unsettled":0},
                              {"producer_id":"vibration-sensor","acknowledged":22,"stored_acknowledged":20,"rejected":0,"in_flight":2,"missing":0,"unsettled":0}],
                 "partitions":[{"partition":0,"log_id":"log-a","stored":88,"redelivered":3,"rejected":2,"duplicated":1,"skipped":3,"first_offset":10,"next_offset":100,"messages":85}],
                 "violations":[{"kind":"missing","noticed_at":"{{Json(Now)}}","sensor_id":"temp-sensor-001","producer_id":"temperature-sensor","first_count":5,"last_count":7,
                                "partition":0,"offset":42,"consumer_id":"sensor-consumer-1"}],
                 "settled_at":"{{Json(Now)}}","audit":{"audited_until":"{{Json(Now)}}","batches":2,"readings":30,"wrong":0},"stale":false,"unsettled":0}
                """),
            (await api.GetAsync("/api/ledger", Timeout)).Body);
        var overall = (await api.GetAsync("/api/system-status", Timeout)).Json["overall"]!;
        Assert.Equal(
            ("critical", "3 readings acknowledged and not stored", "The newest: partition 0, offset 42, sensor-consumer-1."),
            ((string?)overall["level"], (string?)overall["title"], (string?)overall["detail"]));
        Assert.Equal("1 reading stored twice", (string?)overall["reasons"]![1]);
    }

    [Fact]
    public async Task Dead_letters_come_in_pages()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-a')");
        await ExecuteAsync("""
            INSERT INTO rejected_messages (log_key, kafka_partition, kafka_offset, reason, detail, consumer_id, sensor_id, reading_count, rejected_at)
            SELECT 1, 0, i, 'malformed', 'no JSON', 'sensor-consumer-1', 'temp-sensor-001', i, $1 + make_interval(mins => i) FROM generate_series(1, 3) i
            """, Now.AddHours(-1));
        var api = await StartServingApiAsync();

        var first = (await api.GetAsync("/api/dead-letters?limit=2", Timeout)).Json.AsArray();
        var second = await api.GetAsync($"/api/dead-letters?limit=2&before={(string)first[1]!["rejected_at"]!}", Timeout);

        Assert.Equal([3, 2], first.Select(letter => (int)letter!["offset"]!));
        Assert.Equal(
            Compact($$"""
                [{"partition":0,"offset":1,"reason":"malformed","detail":"no JSON","consumer_id":"sensor-consumer-1","sensor_id":"temp-sensor-001","reading_count":1,
                  "rejected_at":"{{Json(Now.AddMinutes(-59))}}"}]
                """),
            second.Body);
        Assert.Equal(HttpStatusCode.OK, second.Status);
        Assert.IsType<JsonArray>(second.Json);
    }

    [Fact]
    public async Task Rejected_messages_of_anybody_are_a_finding_and_a_sensor_of_which_nothing_else_is_known_has_a_page()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-a')");
        await ExecuteAsync("""
            INSERT INTO rejected_messages (log_key, kafka_partition, kafka_offset, reason, detail, consumer_id, sensor_id, reading_count)
            SELECT 1, 0, i, 'too_long', 'zone', 'sensor-consumer-1', 'stranger', NULL FROM generate_series(1, 50) i
            """);
        await ExecuteAsync("INSERT INTO outbox (topic, value, parked_at, parked_reason) VALUES ('alerts', 'x', now(), 'too large')");
        await ExecuteAsync("INSERT INTO outbox (topic, value, attempts, retry_at, created_at) VALUES ('sensor-data.dlq', 'x', 9, now(), now() - interval '2 min'), ('sensor-data.dlq', 'x', 1, now(), now())");
        await ExecuteAsync("INSERT INTO outbox (topic, value, alert_id, created_at) VALUES ('alerts', 'x', gen_random_uuid(), now() - interval '2 min'), ('alerts', 'x', gen_random_uuid(), now())");
        var api = await StartServingApiAsync();

        var overall = (await api.GetAsync("/api/system-status", Timeout)).Json["overall"]!;
        var sensor = (await api.GetAsync("/api/sensors/stranger", Timeout)).Json;

        Assert.Contains("50 messages were rejected in the last 5 minutes", overall["reasons"]!.AsArray().Select(reason => (string)reason!));
        Assert.Contains("1 message cannot be sent", overall["reasons"]!.AsArray().Select(reason => (string)reason!));
        Assert.Contains("1 message for alerts waits to be sent", overall["reasons"]!.AsArray().Select(reason => (string)reason!));
        Assert.Contains("1 message for sensor-data.dlq waits to be sent", overall["reasons"]!.AsArray().Select(reason => (string)reason!));
        Assert.Equal("/sensors/stranger", (string)overall["links"]![0]!["path"]!);
        Assert.Equal((null, 50), (sensor["sensor"], sensor["dead_letters"]!.AsArray().Count));
    }
}
