using System.Net;
using System.Net.Sockets;
using FactoryMonitoring.Data;

namespace FactoryMonitoring.Tests.Data.Sensors;

/// <summary>Sensors as processes, on the embedded brokers and a real database.</summary>
public sealed class SensorProcessTests(PostgresFixture postgres) : BrokersTest(postgres)
{
    private const string Ranges = """
        SELECT sensor_id, kafka_partition, first_count, last_count, max_offset, log_id FROM acknowledgements JOIN logs USING (log_key) ORDER BY log_key, sensor_id, first_count
        """;

    [Fact]
    public async Task A_sensor_that_is_killed_and_started_again_repeats_no_reading_count()
    {
        // Every reading is traced.
        Dictionary<string, string> traced = new() { ["Telemetry__MessageTracesPerSecond"] = "1000000" };
        await using (var killed = StartSensors(traced))
        {
            await AcknowledgedAsync(100);
            await killed.KillAsync(Timeout);
        }

        var before = await AcknowledgedSoFarAsync();
        await using (var stopped = StartSensors(traced))
        {
            await AcknowledgedAsync(before + 100);
            Assert.Equal(0, await stopped.StopAsync(Timeout));
        }

        var readings = await Brokers.ReadAllAsync(Timeout);
        var written = (await Database.RowsAsync(Ranges, Timeout)).SelectMany(CountsOf).ToList();
        var inLog = readings.Select(reading => (reading.Reading.SensorId, reading.Reading.Metadata!.ReadingCount!.Value, reading.Partition)).ToList();
        Assert.Equal(inLog.Count, inLog.Distinct().Count());
        Assert.Equal(written.Count, written.Distinct().Count());
        Assert.Empty(written.Except(inLog));
        Assert.Equal(written.Count, await AcknowledgedSoFarAsync());
        // Readings that the killed process had not yet recorded, at most what it sent in two seconds.
        Assert.InRange(inLog.Except(written).Count(), 0, 200);
        Assert.All(readings, reading => Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-01$", reading.TraceParent));
        Assert.Equal(
            [["temperature-sensor", "inactive", "disconnected", "stopped", 0L, 0, 6]],
            await Database.RowsAsync("SELECT producer_id, status, connection, condition, failed_deliveries, queued, sensor_count FROM producer_health", Timeout));
    }

    [Fact]
    public async Task Of_two_processes_of_one_name_in_one_database_the_later_one_stops_and_says_why()
    {
        await using var first = StartSensors();
        await AcknowledgedAsync(1);
        await using var second = StartSensors();

        Assert.Equal(1, await second.WaitAsync(Timeout));
        Assert.Contains("Another process writes as temperature-sensor to this database: host ", second.Output, StringComparison.Ordinal);
        Assert.Equal(0, await first.StopAsync(Timeout));
    }

    [Fact]
    [Trait("Time", "measured")]
    public async Task A_service_stops_in_time_though_its_telemetry_goes_to_somebody_who_does_not_answer()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var sensors = StartSensors(new() { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://{silent.LocalEndpoint}", ["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory" });
        await AcknowledgedAsync(1);

        // The time that Aspire and Docker give a service before they kill it.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        Assert.Equal(0, await sensors.StopAsync(limit.Token));
    }

    [Fact]
    public async Task Acknowledgements_outlive_a_database_that_is_killed()
    {
        await using var sensors = StartSensors();
        await AcknowledgedAsync(50);
        await Postgres.KillAsync();
        await EventuallyAsync(async () => (await sensors.GetAsync("health", Timeout))?.Contains("the database does not take acknowledgements", StringComparison.Ordinal) == true);
        Assert.StartsWith("{\"status\":\"healthy\"", await sensors.GetAsync("alive", Timeout), StringComparison.Ordinal);
        await Postgres.StartAsync();
        await AcknowledgedAsync(100);
        Assert.Equal(0, await sensors.StopAsync(Timeout));

        await AssertAllOfTheLogIsAcknowledgedAsync();
    }

    [Fact]
    public async Task Acknowledgements_belong_to_the_log_that_gave_them()
    {
        await using var sensors = StartSensors();
        await AcknowledgedAsync(50);
        await Brokers.KillAsync(Timeout);
        await EventuallyAsync(async () => await Database.ScalarAsync<string>("SELECT connection FROM producer_health", Timeout) == "disconnected");
        var before = await AcknowledgedSoFarAsync();
        await Brokers.StartAsync(Timeout);
        await AcknowledgedAsync(before + 100);
        Assert.Equal(0, await sensors.StopAsync(Timeout));

        // The first log is gone; its account is unchanged.
        var perPartition = await Database.RowsAsync(
            "SELECT sum(last_count - first_count + 1)::bigint, max(max_offset) + 1 FROM acknowledgements GROUP BY log_key, kafka_partition", Timeout);
        Assert.All(perPartition, row => Assert.Equal(row[1], row[0]));
        Assert.Equal(2L, await Database.ScalarAsync<long>("SELECT count(DISTINCT log_key) FROM acknowledgements", Timeout));
        await Database.ScalarAsync<object>("DELETE FROM acknowledgements WHERE log_key = (SELECT min(log_key) FROM acknowledgements)", Timeout);
        await AssertAllOfTheLogIsAcknowledgedAsync();
    }

    [Fact]
    public async Task A_sensor_waits_for_a_database_that_is_not_there_yet()
    {
        await Postgres.KillAsync();
        await using var sensors = StartSensors();
        await EventuallyAsync(async () =>
            (await sensors.GetAsync("health", Timeout))?.Contains("waiting for the database: no reading counts left", StringComparison.Ordinal) == true);
        Assert.StartsWith("{\"status\":\"healthy\"", await sensors.GetAsync("alive", Timeout), StringComparison.Ordinal);
        await Postgres.StartAsync();

        await AcknowledgedAsync(10);
    }

    [Fact]
    public async Task A_recording_is_replayed_with_its_own_times_and_ends()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllLinesAsync(file, ["timestamp,value", "2013-12-02 21:15:00,73.96", "2013-12-02 21:20:00,95.5", "2013-12-02 21:25:00,101"], Timeout);
        await using var sensors = StartSensors(new()
        {
            ["Sensors__Replay__File"] = file,
            ["Sensors__Replay__SpeedUp"] = "3000",
            ["Sensors__Replay__SensorId"] = "machine-1",
            ["Sensors__Replay__WarningThreshold"] = "90",
            ["Sensors__Replay__CriticalThreshold"] = "100",
        });
        await EventuallyAsync(async () => await Database.ScalarAsync<string>("SELECT condition FROM producer_health", Timeout) == "replay ended");
        await AcknowledgedAsync(3);
        Assert.Equal("connected", await Database.ScalarAsync<string>("SELECT connection FROM producer_health", Timeout));
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT COALESCE(bool_or(is_over), false) FROM replays", Timeout));
        Assert.Equal(
            [[new[] { "machine-1" }, Path.GetFileName(file), 3L, 3L, 3L, "2013-12-02 21:25:00"]],
            await Database.RowsAsync("SELECT sensor_ids, file, row_number, played, row_count, source_timestamp FROM replays", Timeout));

        Assert.Equal(
            [("machine-1", 73.96, "normal", 1, 90.0, 100.0, "2013-12-02 21:15:00"), ("machine-1", 95.5, "warning", 2, 90.0, 100.0, "2013-12-02 21:20:00"), ("machine-1", 101.0, "critical", 3, 90.0, 100.0, "2013-12-02 21:25:00")],
            (await Brokers.ReadAllAsync(Timeout)).Select(reading => (
                reading.Reading.SensorId, reading.Reading.Value, reading.Reading.AlertLevel!, (int)reading.Reading.Metadata!.ReadingCount!,
                reading.Reading.Metadata.WarningThreshold!.Value, reading.Reading.Metadata.CriticalThreshold!.Value, reading.Reading.Metadata.SourceTimestamp!)));
        File.Delete(file);
    }

    [Theory]
    [InlineData("SENSOR_TYPE", "weight", "Sensors:SensorType = weight: SENSOR_TYPE must be one of temperature, vibration, energy, humidity, pressure")]
    [InlineData("Sensors__PerType", "0", "Sensors:PerType = 0: The field SensorsOptions.PerType must be between 1 and 100000.")]
    [InlineData("DATABASE_URL", "mysql://me:secret@host/db", "DATABASE_URL = mysql://me:***@host/db: not a postgresql:// URL; must be postgresql://user:password@host:port/database")]
    [InlineData("KAFKA_BROKERS", "nowhere", "ConnectionStrings:kafka = nowhere is no list of brokers; must be a list host:port,host:port,…")]
    [InlineData("Telemetry__TracesPerSecond", "-1", "Telemetry:TracesPerSecond = -1: The field TelemetryOptions.TracesPerSecond must be between 0 and 1000000.")]
    [InlineData("Sensors__Replay__File", "/nowhere.csv", "Sensors:Replay:File = /nowhere.csv: cannot be read: Could not find file '/nowhere.csv'.")]
    public async Task A_wrong_setting_stops_it_with_one_line(string name, string value, string line)
    {
        await using var sensors = StartSensors(new() { [name] = value });

        Assert.Equal(1, await sensors.WaitAsync(Timeout));
        Assert.Equal(line, sensors.Output);
    }

    [Fact]
    public async Task The_provisioner_accepts_what_is_there_and_adds_what_is_missing()
    {
        await Database.ScalarAsync<object>("DROP SCHEMA public CASCADE; CREATE SCHEMA public", Timeout);
        for (var run = 0; run < 2; run++)
        {
            await using var provisioner = ServiceProcess.Start("FactoryMonitoring.Provisioner", new(Connections()) { ["DATABASE_URL"] = Database.Url });
            Assert.True(await provisioner.WaitAsync(Timeout) == 0, provisioner.Output);
        }

        Assert.Equal(5L, await Database.ScalarAsync<long>("SELECT count(*) FROM pg_inherits WHERE inhparent = 'readings'::regclass", Timeout));

        await using var tooFew = ServiceProcess.Start("FactoryMonitoring.Provisioner", new(Connections()) { ["DATABASE_URL"] = Database.Url, ["Factory__Partitions"] = "7" });
        Assert.Equal(1, await tooFew.WaitAsync(Timeout));
        Assert.Contains(
            "Not provisioned: topic sensor-data has 6 partitions, Factory:Partitions wants 7, and these brokers cannot add any", tooFew.Output, StringComparison.Ordinal);
    }

    private ServiceProcess StartSensors(Dictionary<string, string>? settings = null)
    {
        var environment = new Dictionary<string, string>(Connections())
        {
            ["SENSOR_TYPE"] = "temperature",
            ["SAMPLING_INTERVAL"] = "0.06", // six sensors: 100 readings a second
            ["Sensors__PerType"] = "6",
        };
        foreach (var (name, value) in settings ?? [])
        {
            environment[name] = value;
        }

        return ServiceProcess.Start("Sensors", environment);
    }

    private Dictionary<string, string> Connections() => new()
    {
        ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Sensor),
        ["KAFKA_BROKERS"] = Brokers.BootstrapServers,
    };

    private async Task<long> AcknowledgedSoFarAsync() =>
        await Database.ScalarAsync<long>("SELECT coalesce(sum(total_messages_sent), 0)::bigint FROM producer_health", Timeout);

    private Task AcknowledgedAsync(long count) => EventuallyAsync(async () => await AcknowledgedSoFarAsync() >= count);

    private async Task AssertAllOfTheLogIsAcknowledgedAsync()
    {
        var written = (await Database.RowsAsync(Ranges, Timeout)).SelectMany(CountsOf).ToList();
        var inLog = (await Brokers.ReadAllAsync(Timeout)).Select(reading => (reading.Reading.SensorId, reading.Reading.Metadata!.ReadingCount!.Value, reading.Partition));
        Assert.Equal(inLog.Order(), written.Order());
    }

    private static IEnumerable<(string SensorId, long Count, int Partition)> CountsOf(object?[] range)
    {
        for (var count = (long)range[2]!; count <= (long)range[3]!; count++)
        {
            yield return ((string)range[0]!, count, (int)range[1]!);
        }
    }
}
