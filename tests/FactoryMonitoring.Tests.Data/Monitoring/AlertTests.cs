using System.Text.Json.Nodes;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>Pages of alerts, and the link from an alert to its reading.</summary>
[Trait("Loop", "quick")]
public sealed class AlertTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    private const string Insert = """
        INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by, "timestamp", resolved_at)
        SELECT ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, 'temp-sensor-00' || (i % 2), 'temperature', 'rapid_value_change',
               CASE WHEN i <= 2 THEN 'high' ELSE 'medium' END, 'alert ' || i, 'sensor-consumer-1', $1 + make_interval(secs => i / 2), CASE WHEN i = 5 THEN NULL ELSE $1 END
        FROM generate_series(1, 5) i
        """;

    [Fact]
    public async Task Pages_follow_each_other_also_where_times_are_equal()
    {
        await ExecuteAsync(Insert, Now.AddMinutes(-1));
        var api = await StartServingApiAsync();
        var pages = new List<string>();
        var before = "";
        while (true)
        {
            var page = (await api.GetAsync($"/api/alerts?limit=2{before}", Timeout)).Json.AsArray();
            if (page.Count == 0)
            {
                break;
            }

            pages.Add(string.Join(',', page.Select(alert => (string)alert!["description"]!)));
            before = $"&before={(string)page[^1]!["alert_id"]!}";
        }

        Assert.Equal(["alert 5,alert 4", "alert 3,alert 2", "alert 1"], pages);
    }

    [Theory]
    [InlineData("severity=high", "2,1")]
    [InlineData("sensor=temp-sensor-001", "5,3,1")]
    [InlineData("open=true", "5")]
    [InlineData("open=false&severity=medium", "4,3")]
    [InlineData("type=vibration", "")]
    [InlineData("sensor_type=temperature&rule=rapid_value_change&window=1h", "5,4,3,2,1")]
    [InlineData("to=2020-01-01T00:00:00Z", "")]
    public async Task Filters_stand_in_the_address(string query, string expected)
    {
        await ExecuteAsync(Insert, Now.AddMinutes(-1));
        var api = await StartServingApiAsync();

        var alerts = (await api.GetAsync($"/api/alerts?{query}", Timeout)).Json.AsArray();

        Assert.Equal(expected, string.Join(',', alerts.Select(alert => ((string)alert!["description"]!)[6..])));
    }

    [Fact]
    public async Task The_rate_counts_by_type_rule_and_severity()
    {
        var at = new DateTime(Now.Ticks / TimeSpan.TicksPerHour * TimeSpan.TicksPerHour, DateTimeKind.Utc).AddHours(-2);
        await ExecuteAsync(Insert, at);
        var api = await StartServingApiAsync();

        var body = (await api.GetAsync("/api/alerts/rate?window=4h", Timeout)).Json;

        Assert.Equal(
            Compact($$"""
                [{"at":"{{Json(at)}}","sensor_type":"temperature","anomaly_type":"rapid_value_change","severity":"high","count":2},
                 {"at":"{{Json(at)}}","sensor_type":"temperature","anomaly_type":"rapid_value_change","severity":"medium","count":3}]
                """),
            Compact(body["points"]!.ToJsonString()));
        Assert.Equal(300, (int)body["bucket_seconds"]!);
        // The range begins at a whole second.
        Assert.InRange((DateTimeOffset)body["to"]! - (DateTimeOffset)body["from"]!, TimeSpan.FromHours(4), TimeSpan.FromHours(4) + TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task From_an_alert_to_its_reading_and_those_around_it()
    {
        await InsertReadingsAsync();
        await ExecuteAsync("""
            INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by, log_key, kafka_partition, kafka_offset)
            VALUES ('00000000-0000-0000-0000-000000000001', 'temp-sensor-000', 'temperature', 'rapid_value_change', 'medium', 'a step', 'sensor-consumer-1', 1, 0, 100)
            """);
        var api = await StartServingApiAsync();

        var body = (await api.GetAsync("/api/alerts/00000000-0000-0000-0000-000000000001", Timeout)).Json;

        body["reading"]!["processing_timestamp"] = null;
        Assert.Equal(
            Compact($$"""
                {"sensor_id":"temp-sensor-000","sensor_type":"temperature","timestamp":"{{Json(Now)}}","value":100,"unit":"°C","alert_level":"warning","quality":0.9,
                 "factory_section":"production","machine_id":"machine-001","zone":"zone-a","reading_count":1100,"processed_by_consumer":"sensor-consumer-1",
                 "kafka_partition":0,"kafka_offset":100,"processing_timestamp":null}
                """),
            Compact(body["reading"]!.ToJsonString()));
        // Every tenth offset belongs to this sensor: 20 up to the alert's, 20 after it.
        Assert.Equal(Enumerable.Range(0, 31).Select(i => i * 10L), Offsets(body["around"]!));
    }

    [Fact]
    public async Task A_sensor_with_its_last_readings()
    {
        await InsertReadingsAsync();
        var api = await StartServingApiAsync();

        var body = (await api.GetAsync("/api/sensors/temp-sensor-000", Timeout)).Json;

        Assert.Equal(Enumerable.Range(300, 200).Select(i => i * 10L), Offsets(body["readings"]!));
        Assert.Equal(
            Compact($$"""
                {"sensor_id":"temp-sensor-000","sensor_type":"temperature","unit":"°C","factory_section":"production","machine_id":"machine-001","zone":"zone-a",
                 "last_value":4990,"alert_level":"critical","warning_threshold":35,"critical_threshold":40,"reading_count":5990,"last_timestamp":"{{Json(Now)}}",
                 "last_processed":"{{Json(Now)}}","kafka_partition":0,"kafka_offset":4990,"open_alerts":0,"interval_ms":null,
                 "clock_offset_ms":null,"judged_partition":null,"elsewhere_at":null,"rule_warning":null,"rule_critical":null,"rule_unit":null}
                """),
            Compact(body["sensor"]!.ToJsonString()));
        Assert.Equal($"[{body["sensor"]!.ToJsonString()}]", (await api.GetAsync("/api/sensors", Timeout)).Json.ToJsonString());
    }

    [Fact]
    public async Task Asking_for_a_page_costs_no_more_than_it_shows()
    {
        await ExecuteAsync(Insert, Now.AddMinutes(-1));
        var queries = new AlertQueries(Database.Monitor);

        var page = await queries.ListAsync(new(null, null, null, "temp-sensor-001", null, null, null), null, 2, Timeout);

        Assert.Equal(["alert 5", "alert 3"], page.Select(alert => alert.Description));
    }

    private static IEnumerable<long> Offsets(JsonNode readings) => readings.AsArray().Select(reading => (long)reading!["kafka_offset"]!);

    // 5,000 offsets, ten sensors in turn.
    private async Task InsertReadingsAsync()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-a')");
        await ExecuteAsync("INSERT INTO consumers (consumer_id) VALUES ('sensor-consumer-1')");
        await ExecuteAsync("""
            INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit, factory_section, machine_id, zone)
            SELECT 'temp-sensor-00' || i, 'temperature', '°C', 'production', 'machine-001', 'zone-a' FROM generate_series(0, 9) i
            """);
        await ExecuteAsync("""
            INSERT INTO readings ("timestamp", kafka_offset, reading_count, value, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
            SELECT $1, i, 1000 + i, i, 1 + i % 10, 1, 0, 0.9, 1, 1 FROM generate_series(0, 4999) i
            """, Now);
        await ExecuteAsync("""
            INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, kafka_partition, consumer_key, log_key)
            SELECT processing_timestamp, min(kafka_offset), max(kafka_offset) + 1, count(*), kafka_partition, 1, 1 FROM readings GROUP BY 1, 5
            """);
        await ExecuteAsync("""
            INSERT INTO sensor_latest (sensor_id, sensor_key, value, alert_level, warning_threshold, critical_threshold, reading_count, "timestamp", processing_timestamp,
                log_key, kafka_partition, kafka_offset)
            VALUES ('temp-sensor-000', 1, 4990, 2, 35, 40, 5990, $1, $1, 1, 0, 4990)
            """, Now);
    }
}
