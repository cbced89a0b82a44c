using System.Net;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>Pages of sensors, filtered by a part of their ids, their type and their level.</summary>
public sealed class SensorListTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    // 300 sensors: s000 to s299, every hundredth critical, every tenth other at warning; one in three is a vibration sensor.
    private const string Insert = """
        INSERT INTO logs (log_id) VALUES ('log');
        INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit)
        SELECT 's' || to_char(n, 'FM000'), CASE n % 3 WHEN 0 THEN 'vibration' ELSE 'temperature' END, 'u' FROM generate_series(0, 299) n;
        INSERT INTO sensor_latest (sensor_id, sensor_key, value, alert_level, "timestamp", processing_timestamp, log_key, kafka_partition, kafka_offset)
        SELECT sensor_id, sensor_key, n, CASE WHEN n % 100 = 0 THEN 2 WHEN n % 10 = 0 THEN 1 ELSE 0 END, now(), now() - make_interval(secs => n), 1, 0, n
        FROM sensor_descriptions, LATERAL (SELECT substr(sensor_id, 2)::int AS n) number;
        INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by)
        SELECT gen_random_uuid(), 's042', 'vibration', 'r', 'low', '', 'c' FROM generate_series(1, 2);
        INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by) VALUES (gen_random_uuid(), 's041', 'temperature', 'r', 'low', '', 'c');
        """;

    [Theory]
    [InlineData("factory/line1/temp")]
    [InlineData("a b")]
    [InlineData("50%")]
    [InlineData("x?y#z&a=b+c")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("../../etc")]
    [InlineData("/leading//and/trailing/")]
    [InlineData("a%2Fb")]
    [InlineData("ü-1")]
    [InlineData("温度\\\"<b>'")]
    public async Task Every_id_has_a_body(string id)
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log')");
        await ExecuteAsync("INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit) VALUES ($1, 'temperature', '°C')", id);
        await ExecuteAsync("""
            INSERT INTO sensor_latest (sensor_id, sensor_key, value, alert_level, "timestamp", log_key, kafka_partition, kafka_offset)
            SELECT sensor_id, sensor_key, 0.0041, 0, now(), 1, 0, 1 FROM sensor_descriptions
            """);
        var api = await StartServingApiAsync();

        // By the address that links use; as a parameter; and in the path, if a path can hold it.
        var escaped = Uri.EscapeDataString(id);
        string[] paths = [$"/api{ComponentPath.Sensor(id)}", $"/api/sensor?id={escaped}", .. id.Trim('.').Length == 0 ? Array.Empty<string>() : [$"/api/sensors/{escaped}"]];
        foreach (var path in paths)
        {
            Assert.Equal(id, (string)(await api.GetAsync(path, Timeout)).Json["sensor"]!["sensor_id"]!);
        }

        Assert.Null((await api.GetAsync(paths[0], Timeout)).Json["unread"]);
        await ExecuteAsync("INSERT INTO unread_members (sensor_id, names) VALUES ($1, 'co2, data/lux')", id);
        foreach (var path in paths)
        {
            await EventuallyAsync(async () => (string?)(await api.GetAsync(path, Timeout)).Json["unread"] == "co2, data/lux");
        }

        Assert.Equal(HttpStatusCode.BadRequest, (await api.GetAsync("/api/sensor", Timeout)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/api/sensor?id=none", Timeout)).Status);
    }

    [Theory]
    [InlineData("", 100, "s000", "s099")]
    [InlineData("?offset=290", 10, "s290", "s299")]
    [InlineData("?offset=300", 0, null, null)]
    [InlineData("?limit=1000", 300, "s000", "s299")]
    [InlineData("?sort=-id&limit=2", 2, "s299", "s298")]
    [InlineData("?sort=-level&limit=4", 4, "s000", "s010")]
    [InlineData("?sort=-level&limit=4&offset=3", 4, "s010", "s040")]
    [InlineData("?sort=-alerts&limit=2", 2, "s042", "s041")]
    [InlineData("?sort=-read&limit=3", 3, "s000", "s002")]
    [InlineData("?sort=read&limit=2", 2, "s299", "s298")]
    [InlineData("?q=S04", 10, "s040", "s049")]
    [InlineData("?q=s0_", 0, null, null)]
    [InlineData("?type=vibration&level=critical", 1, "s000", "s000")]
    public async Task A_page_holds_what_it_asks_for_in_its_order(string query, int count, string? first, string? last)
    {
        await ExecuteAsync(Insert);
        var api = await StartServingApiAsync();

        var ids = (await api.GetAsync($"/api/sensors{query}", Timeout)).Json.AsArray().Select(sensor => (string)sensor!["sensor_id"]!).ToList();

        Assert.Equal((count, first, last), (ids.Count, ids.FirstOrDefault(), ids.LastOrDefault()));
    }

    [Fact]
    public async Task Their_number_is_told_by_type_and_level()
    {
        await ExecuteAsync(Insert);
        var api = await StartServingApiAsync();

        Assert.Equal(
            Compact("""
                {"sensors":100,"by_type_and_level":[{"sensor_type":"vibration","alert_level":"critical","sensors":1},
                 {"sensor_type":"vibration","alert_level":"normal","sensors":90},{"sensor_type":"vibration","alert_level":"warning","sensors":9}]}
                """),
            Compact((await api.GetAsync("/api/sensor-counts?type=vibration", Timeout)).Json.ToJsonString()));
        Assert.Equal(10, (int)(await api.GetAsync("/api/sensor-counts?q=s04", Timeout)).Json["sensors"]!);
    }

    [Theory]
    [InlineData("sort=name", "sort", "must be one of id, -id, level, -level, alerts, -alerts, read, -read")]
    [InlineData("limit=0", "limit", "must be an integer between 1 and 1000")]
    [InlineData("level=red", "level", "must be one of normal, warning, critical")]
    public async Task What_is_not_allowed_is_said(string query, string parameter, string sentence)
    {
        var api = await StartServingApiAsync();

        var answer = await api.GetAsync($"/api/sensors?{query}", Timeout);

        Assert.Equal((HttpStatusCode.BadRequest, sentence), (answer.Status, (string)answer.Json["errors"]![parameter]![0]!));
    }
}
