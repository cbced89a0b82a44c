using System.Globalization;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Tests.Data.Monitoring;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>A file that is backfilled into a live sensor, by processes on the embedded brokers and a real database.</summary>
public sealed class BackfillProcessTests(PostgresFixture postgres) : BrokersTest(postgres)
{
    private const int Rows = 120_000;

    [Fact]
    public async Task A_file_is_stored_at_its_own_times_and_exactly_once_though_a_consumer_is_killed_and_live_readings_flow_on()
    {
        using var folder = new TemporaryFile(".csv");
        var start = new DateTime(2004, 3, 10, 18, 0, 0, DateTimeKind.Utc);
        await File.WriteAllLinesAsync(
            folder.Path,
            Enumerable.Range(0, Rows).Select(row => string.Create(CultureInfo.InvariantCulture, $"{start.AddMinutes(row):yyyy-MM-dd HH:mm:ss},{20 + (row % 30)}")).Prepend("time,machine temperature (°C)"),
            Timeout);
        await using var sensors = Start("Sensors", "live", new() { ["SENSOR_TYPE"] = "temperature", ["SENSOR_ID"] = "machine-1", ["SAMPLING_INTERVAL"] = "0.05" });
        await using var second = Start("Consumers", "c2");
        await using (var first = Start("Consumers", "c1"))
        {
            await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) > 20 FROM sensor_readings WHERE sensor_id = 'machine-1'", Timeout));
            Dictionary<string, string> file = new()
            {
                ["Sensors__Replay__File"] = folder.Path, ["Sensors__Replay__Backfill"] = "true", ["Sensors__Replay__SensorId"] = "machine-1",
            };
            await using var backfill = Start("Sensors", "backfill", file);

            // The owner of the sensor's partition dies in the middle.
            await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) > 0 FROM sensor_readings WHERE backfill", Timeout));
            var owner = await Database.ScalarAsync<string>(
                "SELECT owner FROM partition_offsets WHERE kafka_partition = (SELECT kafka_partition FROM sensor_readings WHERE backfill LIMIT 1)", Timeout);
            await (owner == "c1" ? first : second).KillAsync(Timeout);

            await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT COALESCE(bool_or(is_over), false) FROM replays WHERE is_backfill", Timeout));
            Assert.Equal(
                [[(long)Rows, (long)Rows, true]],
                await Database.RowsAsync("SELECT stored, readings, rows_per_second > 0 AND seconds_left = 0 FROM replays", Timeout));
            Assert.Equal(0, await backfill.StopAsync(Timeout));

            // As after a restart of the stack.
            await using var again = Start("Sensors", "backfill", file);
            await EventuallyAsync(() => Task.FromResult(again.Output.Contains(": not sending it again", StringComparison.Ordinal)));
            Assert.Equal(0, await again.StopAsync(Timeout));
            Assert.Equal(0, await sensors.StopAsync(Timeout));
            await EventuallyAsync(async () => await Database.ScalarAsync<bool>(
                "SELECT sum(acknowledged)::bigint = (SELECT count(*) FROM readings) FROM acknowledged_totals", Timeout));
        }

        // Each row is stored once, at its own time, and none of them is live.
        Assert.Equal(
            [[(long)Rows, (long)Rows, start, start.AddMinutes(Rows - 1)]],
            await Database.RowsAsync("SELECT count(*), count(DISTINCT \"timestamp\"), min(\"timestamp\"), max(\"timestamp\") FROM sensor_readings WHERE backfill", Timeout));
        Assert.Equal(
            [[0L]],
            await Database.RowsAsync("SELECT count(*) FROM sensor_readings WHERE backfill AND value <> 20 + (extract(epoch FROM \"timestamp\" - '2004-03-10 18:00:00Z'::timestamptz)::bigint / 60) % 30", Timeout));
        Assert.Equal(
            [[true, true]],
            await Database.RowsAsync("SELECT count(*) > 20, min(\"timestamp\") > now() - interval '1 h' FROM sensor_readings WHERE NOT backfill", Timeout));
        Assert.Equal([[true]], await Database.RowsAsync("SELECT \"timestamp\" > now() - interval '1 h' AND abs(clock_offset_ms) < 60000 FROM sensor_latest", Timeout));
        Assert.Equal(
            [[true]],
            await Database.RowsAsync(
                "SELECT (SELECT sum(count)::bigint FROM consumer_samples, unnest(latency_histogram) count) <= (SELECT count(*) FROM sensor_readings WHERE NOT backfill)", Timeout));
        Assert.Equal([[2L]], await Database.RowsAsync("SELECT count(DISTINCT processed_by_consumer) FROM sensor_readings WHERE backfill", Timeout));
        Assert.Equal([[true, 0L]], await Database.RowsAsync("SELECT count(*) > 0, count(*) FILTER (WHERE resolved_at IS NULL) FROM alerts WHERE backfill", Timeout));
        Assert.Equal([[0L, 0L]], await Database.RowsAsync("SELECT sum(duplicated)::bigint, (SELECT count(*) FROM ledger_violations) FROM partition_offsets", Timeout));
        Assert.Equal(0, (await new FactoryMonitoring.Data.Ingestion.ReadingAudit(Database.Ingest).StepAsync(1_000_000, TimeSpan.Zero, Timeout)).Wrong);
    }

    [Fact]
    public async Task A_backfill_that_is_killed_goes_on_where_it_was_and_stores_each_reading_once()
    {
        using var file = new TemporaryFile(".csv");
        var start = new DateTime(2004, 3, 10, 18, 0, 0, DateTimeKind.Utc);
        // Two sensors in two partitions: whenever the process dies, one is ahead of the other.
        await File.WriteAllLinesAsync(
            file.Path,
            Enumerable.Range(0, Rows).Select(row => string.Create(
                CultureInfo.InvariantCulture, $"{start.AddMinutes(row):yyyy-MM-dd HH:mm:ss},{(row % 3 == 0 ? "" : $"{20 + (row % 30)}")},{row % 40}")).Prepend("time,T (°C),humidity (%)"),
            Timeout);
        Dictionary<string, string> settings = new()
        {
            ["Sensors__Replay__File"] = file.Path, ["Sensors__Replay__Backfill"] = "true", ["Sensors__Replay__SensorId"] = "m",
        };
        await using var consumer = Start("Consumers", "c1");
        await using (var killed = Start("Sensors", "first", settings))
        {
            await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) > 10000 FROM readings", Timeout));
            await killed.KillAsync(Timeout);
        }

        Assert.Equal([[false]], await Database.RowsAsync("SELECT done_at IS NOT NULL FROM backfills", Timeout));
        await using (var second = Start("Sensors", "second", settings))
        {
            await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT done_at IS NOT NULL FROM backfills", Timeout));
            Assert.Matches("[1-9][0-9]+ of 200000 readings are stored already", second.Output);
            Assert.Equal([["second", 200_000L, 200_000L]], await Database.RowsAsync("SELECT producer_id, stored, readings FROM replays WHERE is_over", Timeout));
            Assert.Equal(0, await second.StopAsync(Timeout));
        }

        Assert.Equal(
            [["m-humidity", 120_000L, 120_000L], ["m-t", 80_000L, 80_000L]],
            await Database.RowsAsync("SELECT sensor_id, count(*), count(DISTINCT \"timestamp\") FROM sensor_readings GROUP BY 1 ORDER BY 1", Timeout));

        // The stored readings are not the beginning of the file: nothing is guessed.
        await Database.RowsAsync("UPDATE backfills SET done_at = NULL", Timeout);
        await Database.RowsAsync("DELETE FROM readings WHERE \"timestamp\" = '2004-03-10 18:01:00Z'", Timeout);
        await using var third = Start("Sensors", "third", settings);
        await EventuallyAsync(() => Task.FromResult(third.Output.Contains("were backfilled since it began are not the first of the file", StringComparison.Ordinal)));
        Assert.Equal(0, await third.StopAsync(Timeout));
        Assert.Equal([[199_998L]], await Database.RowsAsync("SELECT count(*) FROM readings", Timeout));
    }

    [Fact]
    public async Task An_export_that_is_backfilled_gives_the_same_rows()
    {
        const string Rows = "SELECT \"timestamp\", sensor_id, sensor_type, value, unit, alert_level, quality, factory_section, machine_id, zone FROM sensor_readings WHERE backfill = {0} ORDER BY 1, 2";
        await using var consumer = Start("Consumers", "c1");
        string[] messages =
        [
            """{"timestamp":"2026-01-31T12:00:00.123456Z","sensor_id":" a, b ","sensor_type":"temperature","value":-200,"unit":"°C","quality":0.25,"alert_level":"warning","location":{"factory_section":"Hall, 1","machine_id":"m \"1\""}}""",
            """{"timestamp":"2026-01-31T12:00:01Z","sensor_id":" a, b ","sensor_type":"temperature","value":9999,"unit":"°C","quality":0.753}""",
            """{"timestamp":"2026-01-31T12:00:02Z","sensor_id":"Line 2/kW","sensor_type":"pressure","value":1e-7,"unit":"bar","alert_level":"critical","location":{"zone":"z"}}""",
            """{"timestamp":"2026-01-31T12:00:03Z","sensor_id":"ü","sensor_type":"count","value":7,"unit":""}""",
        ];
        using (var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = Brokers.BootstrapServers }).Build())
        {
            foreach (var message in messages) await producer.ProduceAsync(KafkaNames.Default.SensorTopic, new Message<Null, string> { Value = message }, Timeout);
        }

        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) = 4 FROM readings", Timeout));
        using var file = new TemporaryFile(".csv");
        var service = MonitoringApi.Build(
            [$"--ConnectionStrings:factorydb={Database.ConnectionStringOf(DatabaseRoles.Monitor)}", $"--ConnectionStrings:kafka={Brokers.BootstrapServers}", "--MONITORING_API_PORT=0"]);
        await service.StartAsync(Timeout);
        await using (var api = new ApiUnderTest(service))
        {
            await File.WriteAllTextAsync(file.Path, (await api.GetAsync("/api/export/readings.csv?window=1h", Timeout)).Body, Timeout);
        }

        await using var replay = Start("Sensors", "p1", new() { ["Sensors__Replay__File"] = file.Path, ["Sensors__Replay__Backfill"] = "true" });
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) = 8 FROM readings", Timeout));

        Assert.Equal(await Database.RowsAsync(string.Format(CultureInfo.InvariantCulture, Rows, "false"), Timeout), await Database.RowsAsync(string.Format(CultureInfo.InvariantCulture, Rows, "true"), Timeout));
    }

    private ServiceProcess Start(string service, string id, Dictionary<string, string>? settings = null) => ServiceProcess.Start(service, new(settings ?? [])
    {
        ["KAFKA_BROKERS"] = Brokers.BootstrapServers,
        ["DATABASE_URL"] = Database.UrlOf(service == "Consumers" ? DatabaseRoles.Ingest : DatabaseRoles.Sensor),
        [service == "Consumers" ? "CONSUMER_ID" : "PRODUCER_ID"] = id,
        ["Consumers__GroupProtocol"] = "classic",
    });

    private sealed class TemporaryFile(string extension) : IDisposable
    {
        public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), System.IO.Path.GetRandomFileName() + extension);

        public void Dispose() => File.Delete(Path);
    }
}
