using System.Net;
using FactoryMonitoring.Replay;
using Parquet;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>Files exported from the stored data.</summary>
public sealed class ExportTests(PostgresFixture postgres) : ExportTest(postgres)
{
    private const string Awkward = "line \"1\", hall\r\n2;\u00fc";

    [Fact]
    public async Task Readings_of_a_window_are_a_CSV_file_by_RFC_4180()
    {
        await InsertAsync(2, Awkward);
        var api = await StartServingApiAsync();

        var answer = await api.GetAsync("/api/export/readings.csv?window=1h", Timeout);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Matches("^attachment; filename=\"readings-\\d{8}T\\d{6}Z-\\d{8}T\\d{6}Z.csv\"$", answer.Header("Content-Disposition")!);
        var lines = answer.Body.Split("\r\n");
        Assert.Equal(
            "timestamp,sensor_id,sensor_type,value,unit,alert_level,quality,factory_section,machine_id,zone,reading_count,sequence_id,processed_by_consumer,processing_timestamp,log_id,kafka_partition,kafka_offset,backfill",
            lines[0]);
        var at = Json(Now)[..^1] + ".000000Z";
        Assert.Equal($"{at},\"line \"\"1\"\", hall", lines[1]);
        Assert.Equal($"2;\u00fc\",temperature,0.1,°C,warning,0.9,production,,,,,c,{at},log,0,0,false", lines[2]);
        Assert.Equal(6, lines.Length);
    }

    [Fact]
    public async Task A_sensor_and_a_window_leave_the_rest_out()
    {
        await InsertAsync(3, "a");
        await ExecuteAsync("INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit) VALUES ('b', 'temperature', '°C')");
        await ExecuteAsync("UPDATE readings SET sensor_key = 2 WHERE kafka_offset = 1");
        var api = await StartServingApiAsync();

        Assert.Equal(3, await LinesAsync("readings.csv?sensor=a"));
        Assert.Equal(2, await LinesAsync("readings.csv?sensor=b"));
        Assert.Equal(1, await LinesAsync("readings.csv?sensor=c"));
        Assert.Equal(1, await LinesAsync($"readings.csv?from={Json(Now.AddHours(-3))}&to={Json(Now)}"));
        Assert.Equal(4, await LinesAsync($"readings.csv?from={Json(Now)}&to={Json(Now.AddSeconds(1))}"));

        async Task<int> LinesAsync(string path) => (await api.GetAsync($"/api/export/{path}", Timeout)).Body.Split("\r\n").Length - 1;
    }

    [Theory]
    [InlineData("readings.xlsx", HttpStatusCode.NotFound)]
    [InlineData("secrets.csv", HttpStatusCode.NotFound)]
    [InlineData("readings.csv?from=yesterday", HttpStatusCode.BadRequest)]
    [InlineData("readings.csv?window=0s", HttpStatusCode.BadRequest)]
    [InlineData("readings.csv?windw=1h", HttpStatusCode.BadRequest)]
    [InlineData("alerts.parquet?window=1h&sensr=a", HttpStatusCode.BadRequest)]
    [InlineData("readings.csv?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", HttpStatusCode.BadRequest)]
    public async Task What_is_not_allowed_is_a_problem(string path, HttpStatusCode status)
    {
        var api = await StartServingApiAsync();
        var answer = await api.GetAsync($"/api/export/{path}", Timeout);

        Assert.Equal(status, answer.Status);
        Assert.NotNull((string?)answer.Json["title"]);
    }

    [Fact]
    public async Task Parquet_holds_the_same_rows_in_their_own_types()
    {
        await InsertAsync(40_000, Awkward);
        var api = await StartServingApiAsync();

        using var file = new MemoryStream(await api.Client.GetByteArrayAsync("/api/export/readings.parquet", Timeout));
        await using var reader = await ParquetReader.CreateAsync(file, cancellationToken: Timeout);

        Assert.Equal(3, reader.RowGroupCount);
        var (values, counts, times, ids) = (new double?[10_000], new long?[10_000], new DateTime?[10_000], new List<string?>());
        using var last = reader.OpenRowGroupReader(2);
        var fields = reader.Schema.DataFields.ToDictionary(field => field.Name);
        await last.ReadAsync<double>(fields["value"], values, cancellationToken: Timeout);
        await last.ReadAsync<long>(fields["reading_count"], counts, cancellationToken: Timeout);
        await last.ReadAsync<DateTime>(fields["timestamp"], times, cancellationToken: Timeout);
        Assert.Equal((3999.9 + 0.1, (long?)null, Now.AddMilliseconds(0)), (Math.Round(values[^1]!.Value, 6), counts[^1], times[^1]!.Value.ToUniversalTime()));
    }

    [Theory]
    [InlineData("alerts", "alert_id")]
    [InlineData("rebalances", "event_type")]
    [InlineData("ledger", "first_offset")]
    public async Task Alerts_rebalances_and_the_ledger_are_exported_too(string kind, string column)
    {
        await InsertAsync(10, "a");
        await ExecuteAsync("""
            INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by, "timestamp") VALUES (gen_random_uuid(), 'a', 'temperature', 'r', 'low', 'x, y', 'c', $1)
            """, Now);
        await ExecuteAsync("INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, generation, \"timestamp\") VALUES ('c', 'assigned', 0, 1, $1)", Now);
        await ExecuteAsync("INSERT INTO rejected_messages (log_key, kafka_partition, kafka_offset, reason, detail, consumer_id, rejected_at) VALUES (1, 0, 10, 'too_long', '', 'c', $1)", Now);
        var api = await StartServingApiAsync();

        var csv = (await api.GetAsync($"/api/export/{kind}.csv", Timeout)).Body.Split("\r\n");
        using var file = new MemoryStream(await api.Client.GetByteArrayAsync($"/api/export/{kind}.parquet", Timeout));
        await using var parquet = await ParquetReader.CreateAsync(file, cancellationToken: Timeout);

        Assert.Contains(column, csv[0].Split(','));
        Assert.Equal(kind == "ledger" ? 4 : 3, csv.Length);
        using var group = parquet.OpenRowGroupReader(0);
        Assert.Equal(csv.Length - 2, group.RowCount);
        Assert.Equal(csv[0].Split(','), parquet.Schema.DataFields.Select(field => field.Name));
    }

    [Fact]
    public async Task A_file_without_rows_has_its_columns()
    {
        var api = await StartServingApiAsync();

        using var file = new MemoryStream(await api.Client.GetByteArrayAsync("/api/export/alerts.parquet", Timeout));
        await using var parquet = await ParquetReader.CreateAsync(file, cancellationToken: Timeout);

        Assert.Equal(0, parquet.RowGroupCount);
        Assert.Contains("alert_id", parquet.Schema.DataFields.Select(field => field.Name));
        Assert.StartsWith("timestamp,alert_id,", (await api.GetAsync("/api/export/alerts.csv", Timeout)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_exported_can_be_replayed_and_gives_the_same_rows()
    {
        await InsertAsync(200, Awkward);
        await ExecuteAsync("UPDATE readings SET \"timestamp\" = \"timestamp\" + kafka_offset * interval '1001.001 ms', value = exp(kafka_offset / 10.0 - 9)");
        var api = await StartServingApiAsync();
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, (await api.GetAsync($"/api/export/readings.csv?sensor={Uri.EscapeDataString(Awkward)}", Timeout)).Body, Timeout);

            var stored = await Database.RowsAsync("SELECT \"timestamp\", value FROM readings ORDER BY kafka_offset", Timeout);
            foreach (var columns in (string?[])[null, "value"])
            {
                var plan = ReplayPlan.Check(new ReplayOptions { File = path, Columns = columns }, name => name);
                Assert.Equal(stored, plan.Read().Select(row => new object?[] { row.Time, row.Values.Single() }));
            }

            // Unchanged, the file also says which sensor it was.
            var sensor = ReplayPlan.Check(new ReplayOptions { File = path }, name => name).Columns.Single();
            Assert.Equal((Awkward, "temperature", "°C"), (sensor.SensorId, sensor.SensorType, sensor.Unit));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
