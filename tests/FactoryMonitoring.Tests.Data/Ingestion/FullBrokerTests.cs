using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Tests.Data.Monitoring;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>
/// A broker on a small disk that the test fills: it exits, the page says why, and the sensors buffer their readings until it is started again.
/// </summary>
public sealed class FullBrokerTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    private readonly SmallDisk _disk = new(megabytes: 96);
    private KafkaBroker _broker = null!;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        _broker = new KafkaBroker(Path.Combine(_disk.Path, "data"));
        await _broker.StartAsync(Timeout);
        foreach (var (name, partitions) in KafkaNames.Default.Topics(sensorPartitions: 2))
        {
            await _broker.CreateTopicAsync(name, partitions);
        }
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _broker.DisposeAsync();
        _disk.Dispose();
    }

    [Fact]
    public async Task A_broker_that_has_no_room_left_ends_and_every_reading_is_stored_once_when_it_is_started_again()
    {
        Dictionary<string, string> connections = new() { ["KAFKA_BROKERS"] = _broker.BootstrapServers };
        await using var consumer = ServiceProcess.Start("Consumers", new(connections) { ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["CONSUMER_ID"] = "c1" });
        await using var sensors = ServiceProcess.Start("Sensors", new(connections) { ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Sensor), ["PRODUCER_ID"] = "temperature-sensor", ["SENSOR_TYPE"] = "temperature", ["Sensors__SamplingInterval"] = "00:00:00.1" });
        var api = await StartServingApiAsync($"--ConnectionStrings:kafka={_broker.BootstrapServers}", $"--Disks:kafka1={_disk.Path}");
        await StoredAsync(200);

        _disk.Fill();
        Assert.NotEqual(0, await _broker.EndedAsync(Timeout));
        Assert.Contains("java.io.IOException: No space left on device", _broker.Output, StringComparison.Ordinal);
        await EventuallyAsync(async () => (await api.GetAsync("/api/system-status", Timeout)).Json["overall"]!["title"]!.GetValue<string>() == "No broker answers");
        var detail = (await api.GetAsync("/api/system-status", Timeout)).Json["overall"]!["detail"]!.GetValue<string>();
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT connection = 'disconnected' AND condition = 'no broker answers' AND queued > 100 FROM producer_health", Timeout));

        _disk.Empty();
        await _broker.StartAgainAsync(Timeout);
        var before = await Database.ScalarAsync<long>("SELECT sum(stored)::bigint FROM partition_offsets", Timeout);
        await StoredAsync(before + 200);
        Assert.Equal(0, await sensors.StopAsync(Timeout));
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) = 0 FROM acknowledgements", Timeout));

        Assert.StartsWith("No space left on the disk of kafka1: make room there and start it again. ", detail, StringComparison.Ordinal);
        Assert.Equal(
            [[true, true, 0L, 0L, 0L]],
            await Database.RowsAsync("""
                SELECT sum(acknowledged) = sum(stored), sum(acknowledged) = (SELECT count(*) FROM readings), sum(missing)::bigint,
                    (SELECT sum(duplicated)::bigint FROM partition_offsets), (SELECT failed_deliveries FROM producer_health)
                FROM ledger
                """, Timeout));
    }

    private Task StoredAsync(long readings) => EventuallyAsync(async () =>
        await Database.ScalarAsync<long>("SELECT COALESCE(sum(stored), 0)::bigint FROM partition_offsets", Timeout) >= readings);
}
