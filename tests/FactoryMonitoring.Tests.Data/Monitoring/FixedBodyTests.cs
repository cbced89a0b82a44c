using System.Net;
using FactoryMonitoring.Monitoring.Api;
using Microsoft.AspNetCore.Routing;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>The exact bodies that existing clients read.</summary>
[Trait("Loop", "quick")]
public sealed class FixedBodyTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    // Ahead of the clock, so that a slow machine does not make them inactive.
    private DateTime Alive => Now.AddMinutes(1);
    private DateTime Since => Now.AddMinutes(-30);

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await ExecuteAsync("""
            WITH log AS (INSERT INTO logs (log_id) VALUES ('log-a') RETURNING log_key),
                 consumer AS (INSERT INTO consumers (consumer_id) VALUES ('sensor-consumer-1') RETURNING consumer_key),
                 offsets AS (
                     INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at, stored)
                     SELECT log_key, 'sensor-data', p, 'sensor-consumer-1', 7, 1300 + p, 0, $1, 1200 + p FROM log, generate_series(0, 1) p),
                 recent AS (
                     INSERT INTO ingest_buckets (bucket, consumer_key, log_key, kafka_partition, stored)
                     SELECT date_bin('10 s', $1, 'epoch') - interval '20 s', consumer_key, log_key, p, 60 + p FROM log, consumer, generate_series(0, 1) p)
            INSERT INTO ingest_buckets (bucket, consumer_key, log_key, kafka_partition, stored)
            SELECT date_bin('10 s', $1, 'epoch') - interval '11 min', consumer_key, log_key, 0, 999 FROM log, consumer
            """, Now);
        await ExecuteAsync("""
            INSERT INTO consumer_health (consumer_id, status, last_heartbeat, assigned_partitions, messages_processed_last_minute, total_messages_processed,
                started_at, process_id, host, group_protocol, condition, resident_bytes)
            VALUES ('sensor-consumer-1', 'active', $1, '{0,1}', 500, 2401, $2, 42, 'host-a', 'consumer', NULL, 90000000),
                   ('sensor-consumer-2', 'inactive', $2, '{2}', 400, 1000, NULL, NULL, NULL, 'consumer', 'stopped', NULL),
                   ('sensor-consumer-old', 'active', $2 - interval '1 day', '{3}', 1, 1, NULL, NULL, NULL, NULL, NULL, NULL)
            """, Alive, Since);
        await ExecuteAsync("""
            INSERT INTO producer_health (producer_id, sensor_type, status, last_heartbeat, messages_sent_last_minute, total_messages_sent, connection, last_acknowledged)
            VALUES ('temperature-sensor', 'temperature', 'active', $1, 480, 2401, 'connected', $2),
                   ('vibration-sensor', 'vibration', 'inactive', $2, 0, 300, 'disconnected', NULL)
            """, Alive, Since);
        await ExecuteAsync("UPDATE status_changes SET at = $1", Since);
        await ExecuteAsync("""
            INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, "timestamp", generation, reason, stall_ms)
            SELECT 'sensor-consumer-1', 'assigned', i, $1 - make_interval(mins => 12 - i), i, 'joined', NULL FROM generate_series(1, 12) i
            UNION ALL SELECT 'sensor-consumer-1', 'assigned', 0, $1 - interval '61 min', 0, 'joined', 5
            """, Now);
        await ExecuteAsync("""
            INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, sensor_value, sensor_unit, description, detected_by, "timestamp", updated_at,
                reading_timestamp, factory_section, machine_id, zone, sensor_alert_level, occurrences, peak_value, kafka_partition, kafka_offset, trace_id, span_id)
            VALUES ('00000000-0000-0000-0000-000000000001', 'temp-sensor-001', 'temperature', 'critical_threshold_violation', 'high', 42.48, '°C', 'over 40 °C',
                    'sensor-consumer-1', $1, $1, $1, 'production', 'machine-001', 'zone-a', 'critical', 3, 43.5, 1, 1234, repeat('a', 32), repeat('b', 16)),
                   ('00000000-0000-0000-0000-000000000002', 'sensor-consumer-2', 'system', 'consumer_down', 'critical', NULL, NULL, 'sensor-consumer-2 is down',
                    'monitoring-api', $1 - interval '1 min', $1, NULL, NULL, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL),
                   ('00000000-0000-0000-0000-000000000003', 'temp-sensor-001', 'temperature', 'rapid_value_change', 'medium', 30, '°C', 'too old',
                    'sensor-consumer-1', $1 - interval '121 min', $1, NULL, NULL, NULL, NULL, 'normal', 1, 30, 1, 5, NULL, NULL)
            """, Now);
    }

    [Fact]
    public async Task System_status_counts_components_and_names_the_newest_ten_events_of_the_hour()
    {
        var api = await StartServingApiAsync();

        var answer = await api.GetAsync("/api/system-status", Timeout);

        var events = string.Join(',', Enumerable.Range(0, 10).Select(i => $$"""
            {"event_type":"assigned","consumer_id":"sensor-consumer-1","partition_number":{{12 - i}},"timestamp":"{{Json(Now.AddMinutes(-i))}}",
             "id":{{12 - i}},"generation":{{12 - i}},"reason":"joined","stall_ms":null,"delayed_readings":null,"delayed_unknown":null}
            """));
        Assert.Equal(
            Compact($$"""
                {"status":{"consumers":{"active_count":1,"total_count":2,"last_activity":"{{Json(Alive)}}"},
                           "producers":{"active_count":1,"total_count":2,"last_activity":"{{Json(Alive)}}"},"brokers":null},
                 "rebalancing_events":[{{events}}],
                 "overall":{"level":"ok","title":"All readings flow",
                            "detail":"1 of 1 sensor processes, 1 of 1 consumers. Stopped on request: sensor-consumer-2 and vibration-sensor.",
                            "reasons":[],"since":"{{Json(Since)}}","recovery":null,"links":null},
                 "stale":false,"database":"up","stored_since":"{{Json(Since)}}"}
                """),
            answer.Body);
        Assert.Equal("application/json; charset=utf-8", answer.Header("Content-Type"));
        Assert.Null(answer.Header("X-Stale"));
    }

    [Fact]
    public async Task Consumer_health_lists_those_of_24_hours_and_no_partitions_of_the_inactive()
    {
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact($$"""
                [{"consumer_id":"sensor-consumer-1","status":"active","assigned_partitions":[0,1],"last_heartbeat":"{{Json(Alive)}}",
                  "messages_processed_last_minute":500,"total_messages_processed":2401,"condition":null,"group_protocol":"consumer",
                  "started_at":"{{Json(Since)}}","process_id":42,"host":"host-a","resident_bytes":90000000,"status_since":"{{Json(Since)}}","stopped":false},
                 {"consumer_id":"sensor-consumer-2","status":"inactive","assigned_partitions":[],"last_heartbeat":"{{Json(Since)}}",
                  "messages_processed_last_minute":0,"total_messages_processed":1000,"condition":"stopped","group_protocol":"consumer",
                  "started_at":null,"process_id":null,"host":null,"resident_bytes":null,"status_since":"{{Json(Since)}}","stopped":true}]
                """),
            (await api.GetAsync("/api/consumer-health", Timeout)).Body);
    }

    [Fact]
    public async Task Producer_health_says_whether_the_brokers_are_reached()
    {
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact($$"""
                [{"producer_id":"temperature-sensor","sensor_type":"temperature","status":"active","last_heartbeat":"{{Json(Alive)}}",
                  "messages_sent_last_minute":480,"total_messages_sent":2401,"connection":"connected","last_acknowledged":"{{Json(Since)}}","started_at":null,
                  "process_id":null,"host":null,"sensor_count":null,"failed_deliveries":0,"queued":0,"resident_bytes":null,"status_since":"{{Json(Since)}}",
                  "condition":null,"stopped":false},
                 {"producer_id":"vibration-sensor","sensor_type":"vibration","status":"inactive","last_heartbeat":"{{Json(Since)}}",
                  "messages_sent_last_minute":0,"total_messages_sent":300,"connection":"disconnected","last_acknowledged":null,"started_at":null,
                  "process_id":null,"host":null,"sensor_count":null,"failed_deliveries":0,"queued":0,"resident_bytes":null,"status_since":"{{Json(Since)}}",
                  "condition":null,"stopped":true}]
                """),
            (await api.GetAsync("/api/producer-health", Timeout)).Body);
    }

    [Fact]
    public async Task Partition_assignment_names_live_owners_and_what_was_stored_since_the_beginning()
    {
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact($$"""
                {"assignments":[{"consumer_id":"sensor-consumer-1","assigned_partitions":[0,1],"status":"active","last_heartbeat":"{{Json(Alive)}}"}],
                 "partition_activity":{"0":1200,"1":1201},"stale":false}
                """),
            (await api.GetAsync("/api/partition-assignment", Timeout)).Body);
    }

    [Fact]
    public async Task Real_time_metrics_count_the_last_ten_minutes()
    {
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact("""
                {"consumer_throughput":[{"component_id":"sensor-consumer-1","value":121}],
                 "producer_throughput":[{"component_id":"temperature-sensor","value":2401}],
                 "partition_activity":{"0":60,"1":61},
                 "pipeline":{"acknowledged_per_second":0,"stored_per_second":0,"maximum_per_second":null,"lag":null,"lag_seconds":null,"catch_up_seconds":null,
                             "latency_p50_ms":null,"latency_p95_ms":null,"latency_p99_ms":null,"commit_ms":null,"stored_total":2401,"slowest_ms":null,"slowest_trace_id":null},
                 "stale":false}
                """),
            (await api.GetAsync("/api/real-time-metrics", Timeout)).Body);
    }

    [Fact]
    public async Task Recent_alerts_are_those_of_two_hours_the_system_s_own_among_them()
    {
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact($$"""
                [{"alert_id":"00000000-0000-0000-0000-000000000001","sensor_id":"temp-sensor-001","sensor_type":"temperature",
                  "anomaly_type":"critical_threshold_violation","severity":"high","sensor_value":42.48,"sensor_unit":"°C","description":"over 40 °C",
                  "detected_by":"sensor-consumer-1","timestamp":"{{Json(Now)}}","reading_timestamp":"{{Json(Now)}}",
                  "location":{"factory_section":"production","machine_id":"machine-001","zone":"zone-a"},"sensor_alert_level":"critical","occurrences":3,
                  "peak_value":43.5,"updated_at":"{{Json(Now)}}","resolved_at":null,"kafka_partition":1,"kafka_offset":1234,
                  "trace_id":"{{new string('a', 32)}}","span_id":"{{new string('b', 16)}}","resolved_because":null,"backfill":false},
                 {"alert_id":"00000000-0000-0000-0000-000000000002","sensor_id":"sensor-consumer-2","sensor_type":"system",
                  "anomaly_type":"consumer_down","severity":"critical","sensor_value":null,"sensor_unit":null,"description":"sensor-consumer-2 is down",
                  "detected_by":"monitoring-api","timestamp":"{{Json(Now.AddMinutes(-1))}}","reading_timestamp":null,"location":null,"sensor_alert_level":null,
                  "occurrences":1,"peak_value":null,"updated_at":"{{Json(Now)}}","resolved_at":null,"kafka_partition":null,"kafka_offset":null,
                  "trace_id":null,"span_id":null,"resolved_because":null,"backfill":false}]
                """),
            (await api.GetAsync("/api/recent-alerts", Timeout)).Body);
    }

    [Fact]
    public async Task Without_a_bootstrap_list_the_cluster_is_what_the_database_knows_of_it()
    {
        var api = await StartServingApiAsync();

        var partitions = (await api.GetAsync("/api/cluster", Timeout)).Json;
        foreach (var partition in partitions["partitions"]!.AsArray())
        {
            partition!["stored_per_second"] = null; // known after 2 s
        }

        Assert.Equal(
            Compact("""
                {"brokers":[],
                 "partitions":[
                   {"partition":0,"leader":null,"replicas":null,"in_sync_replicas":null,"end_offset":null,"stored_offset":1300,"lag":null,"lag_seconds":null,
                    "owner":"sensor-consumer-1","generation":7,"stored_per_second":null,"stored":1200,"recovered_at":null},
                   {"partition":1,"leader":null,"replicas":null,"in_sync_replicas":null,"end_offset":null,"stored_offset":1301,"lag":null,"lag_seconds":null,
                    "owner":"sensor-consumer-1","generation":7,"stored_per_second":null,"stored":1201,"recovered_at":null}],
                 "log_id":"log-a","measured_at":null,"stale":false,"lag_measured_at":null,"topic":null}
                """),
            Compact(partitions.ToJsonString()));
    }

    [Fact]
    public async Task Rebalancing_events_since_a_time_and_up_to_a_limit()
    {
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact($$"""
                [{"event_type":"assigned","consumer_id":"sensor-consumer-1","partition_number":12,"timestamp":"{{Json(Now)}}","id":12,"generation":12,"reason":"joined","stall_ms":null,"delayed_readings":null,"delayed_unknown":null},
                 {"event_type":"assigned","consumer_id":"sensor-consumer-1","partition_number":11,"timestamp":"{{Json(Now.AddMinutes(-1))}}","id":11,"generation":11,"reason":"joined","stall_ms":null,"delayed_readings":null,"delayed_unknown":null}]
                """),
            (await api.GetAsync("/api/rebalancing-events?limit=2", Timeout)).Body);
        Assert.Equal(3, (await api.GetAsync($"/api/rebalancing-events?since={Json(Now.AddMinutes(-2))}", Timeout)).Json.AsArray().Count);
        Assert.Equal(13, (await api.GetAsync("/api/rebalancing-events", Timeout)).Json.AsArray().Count);
    }

    [Fact]
    public async Task An_unchanged_body_is_not_sent_again()
    {
        var api = await StartServingApiAsync();
        var first = await api.GetAsync("/api/recent-alerts", Timeout);

        var second = await api.GetAsync("/api/recent-alerts", Timeout, ifNoneMatch: first.Header("ETag"));

        Assert.Equal((HttpStatusCode.NotModified, ""), (second.Status, second.Body));
        Assert.Equal(first.Header("ETag"), second.Header("ETag"));
    }

    [Fact]
    public async Task What_is_not_allowed_is_a_problem_that_says_what_is()
    {
        var api = await StartServingApiAsync();

        var answer = await api.GetAsync("/api/rebalancing-events?since=yesterday&limit=501", Timeout);

        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (answer.Status, answer.Header("Content-Type")));
        Assert.Equal(
            Compact("""{"since":["must be a time in ISO 8601, for example 2025-09-16T21:41:41Z"],"limit":["must be an integer between 1 and 500"]}"""),
            Compact(answer.Json["errors"]!.ToJsonString()));
    }

    [Theory]
    [InlineData("/api/alerts?severity=urgent", "severity", "must be one of low, medium, high, critical")]
    [InlineData("/api/alerts?before=7", "before", "must be a UUID")]
    [InlineData("/api/alerts?open=perhaps", "open", "must be true or false")]
    [InlineData("/api/alerts/rate?window=5y", "window", "must be a number with s, m, h or d, from 1s to 366d")]
    [InlineData("/api/alerts/7", "id", "must be a UUID")]
    [InlineData("/api/history?minutes=0", "minutes", "must be an integer between 1 and 44640")]
    [InlineData("/api/ownership?window=32d", "window", "must be a number with s, m, h or d, from 1m to 31d")]
    [InlineData("/api/rebalances?window=99999999999d", "window", "must be a number with s, m, h or d, from 1m to 31d")]
    [InlineData("/api/consumer-rates?window=1h&from=2026-01-05T08:00:00Z&to=2026-01-05T08:01:00Z", "window", "must be window, or from and to, not both")]
    [InlineData("/api/cluster-details?from=2026-01-05T08:00:00Z&to=2026-01-05T08:00:00Z", "from", "must be a time before to")]
    [InlineData("/api/history?from=2026-01-05T08:00:00Z&to=2026-02-06T08:00:00Z", "from", "must be at most 31d before to")]
    [InlineData("/api/dead-letters?limit=-1", "limit", "must be an integer between 1 and 500")]
    public async Task Every_endpoint_says_what_is_allowed(string path, string parameter, string allowed)
    {
        var api = await StartServingApiAsync();

        var answer = await api.GetAsync(path, Timeout);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal($$"""{"{{parameter}}":["{{allowed}}"]}""", answer.Json["errors"]!.ToJsonString());
    }

    [Theory]
    [InlineData("/api/nothing")]
    [InlineData("/api/alerts/00000000-0000-0000-0000-00000000000f")]
    [InlineData("/api/sensors/nobody")]
    [InlineData("/api/consumers/nobody")]
    [InlineData("/api/producers/nobody")]
    [InlineData("/api/brokers/kafka9")]
    public async Task What_does_not_exist_is_a_problem_too(string path)
    {
        var api = await StartServingApiAsync();

        var answer = await api.GetAsync(path, Timeout);

        Assert.Equal((HttpStatusCode.NotFound, "application/problem+json", 404), (answer.Status, answer.Header("Content-Type"), (int)answer.Json["status"]!));
    }

    [Fact]
    public async Task The_schema_of_a_reading_is_served()
    {
        var api = await StartServingApiAsync();

        var answer = await api.GetAsync("/api/schemas/reading.json", Timeout);

        Assert.Equal((HttpStatusCode.OK, "application/schema+json"), (answer.Status, answer.Header("Content-Type")));
        Assert.Equal("https://json-schema.org/draft/2020-12/schema", (string?)answer.Json["$schema"]);
    }

    [Fact]
    public async Task The_description_names_every_endpoint()
    {
        var api = await StartServingApiAsync();

        var paths = (await api.GetAsync("/openapi/v1.json", Timeout)).Json["paths"]!.AsObject().Select(pair => pair.Key).Order(StringComparer.Ordinal);

        Assert.Equal(
            [
                "/api/alerts", "/api/alerts/rate", "/api/alerts/{id}", "/api/audit", "/api/backfills", "/api/broker", "/api/brokers/{id}", "/api/cluster", "/api/cluster-details", "/api/consumer", "/api/consumer-health", "/api/consumer-rates", "/api/consumers/{id}",
                "/api/dead-letters", "/api/export/{kind}.{format}", "/api/history", "/api/ledger", "/api/ownership", "/api/partition-assignment", "/api/producer", "/api/producer-health", "/api/producers/{id}",
                "/api/real-time-metrics", "/api/rebalances", "/api/rebalancing-events", "/api/recent-alerts", "/api/schemas/reading.json", "/api/sensor", "/api/sensor-counts", "/api/sensors", "/api/sensors/{id}", "/api/snapshot", "/api/stream", "/api/system-status",
            ],
            paths);
    }

    [Fact]
    public async Task Nothing_can_be_changed_through_the_API_and_nobody_commanded()
    {
        var api = await StartServingApiAsync("--Factory:Control:Url=http://127.0.0.1:1", "--Factory:Control:Token=secret");

        var endpoints = api.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();
        Assert.Contains("/api/system-status", endpoints.Select(endpoint => endpoint.RoutePattern.RawText));
        // Endpoints that restrict no method are health, metrics and the description, which are read-only.
        Assert.All(endpoints, endpoint => Assert.True(
            endpoint.Metadata.GetMetadata<IHttpMethodMetadata>() is { HttpMethods: ["GET"] } || endpoint.RoutePattern.RawText is "/health" or "/alive" or "/metrics",
            $"{endpoint.DisplayName} is not only read"));
        foreach (var method in new[] { HttpMethod.Post, HttpMethod.Put, HttpMethod.Patch, HttpMethod.Delete })
        {
            using var request = new HttpRequestMessage(method, "/api/system-status");
            Assert.Equal(HttpStatusCode.MethodNotAllowed, (await api.Client.SendAsync(request, Timeout)).StatusCode);
        }

        // No class of the API has a property that could hold a token, even if one is configured.
        Assert.DoesNotContain(
            typeof(MonitoringApi).Assembly.GetTypes().SelectMany(type => type.GetProperties()), property => property.Name.Contains("Token", StringComparison.Ordinal) && property.PropertyType == typeof(string));
    }
}
