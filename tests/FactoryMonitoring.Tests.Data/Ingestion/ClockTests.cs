using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>
/// Consumers whose clocks differ by days from the database's clock, which alone decides. The tests shift the database's clock (libfaketime; Debian's package
/// faketime), because the consumer's runtime does not tolerate it.
/// </summary>
[Collection(PostgresCollection.Name)]
public sealed class ClockTests
{
    [Theory]
    [InlineData("-30d")]
    [InlineData("+30d")]
    [InlineData("-1d")]
    [InlineData("+1d")]
    public async Task A_clock_that_is_off_drops_no_day_dates_nothing_and_keeps_no_reading_waiting(string skew)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var postgres = new PostgresFixture { Skew = skew };
        await using var brokers = new EmbeddedBrokers();
        try
        {
            await Task.WhenAll(postgres.InitializeAsync(), brokers.StartAsync(limit.Token));
            await using var database = await postgres.CreateDatabaseAsync();
            await RunAsync(database, brokers, limit.Token);
        }
        finally
        {
            await postgres.DisposeAsync();
        }
    }

    private static async Task RunAsync(TestDatabase database, EmbeddedBrokers brokers, CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(await database.ScalarAsync<DateTime>("SELECT now() AT TIME ZONE 'UTC'", cancellationToken));
        Assert.NotEqual(DateOnly.FromDateTime(DateTime.UtcNow), today);
        await new ReadingPartitions(database.DataSource).EnsureAsync(today.AddDays(-9), 9, cancellationToken);
        await database.ScalarAsync<object>("""
            INSERT INTO readings (processing_timestamp, "timestamp", kafka_offset, value, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
            SELECT now() - n * interval '1 day', now(), n, 1, 1, 1, 99, 1, 1, 0 FROM generate_series(0, 6) n;
            INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by, "timestamp", resolved_at)
            SELECT gen_random_uuid(), 's', 't', 'a', 'low', 'd', 'c', now() - n * interval '1 day', now() FROM generate_series(0, 8) n
            """, cancellationToken);
        await using var consumer = ServiceProcess.Start("Consumers", new()
        {
            ["KAFKA_BROKERS"] = brokers.BootstrapServers,
            ["DATABASE_URL"] = database.UrlOf(DatabaseRoles.Ingest),
            ["CONSUMER_ID"] = "skewed",
            ["Consumers__GroupProtocol"] = "classic",
        });
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = brokers.BootstrapServers }).Build();
        foreach (var value in new double[] { 25, 60, 25 })
        {
            await producer.ProduceAsync(KafkaNames.Default.SensorTopic, new Message<byte[], byte[]> { Key = [1], Value = LaneHarness.Reading("hot", (long)value, value) }, cancellationToken);
        }

        await EventuallyAsync("SELECT count(*) = 3 FROM readings WHERE kafka_partition <> 99");
        // Days past the retention are still dropped, so the maintenance has run.
        await EventuallyAsync(
            $"SELECT to_regclass('readings_{today.AddDays(-9):yyyyMMdd}') IS NULL AND (SELECT count(*) FROM alerts WHERE sensor_id = 's') = 7");
        await EventuallyAsync("SELECT count(*) > 1 FROM consumer_samples");

        Assert.Equal([[7L]], await database.RowsAsync("SELECT count(*) FROM readings WHERE kafka_partition = 99", cancellationToken));
        Assert.Equal(
            [[true, true, true]],
            await database.RowsAsync("""
                SELECT (SELECT bool_and("timestamp" BETWEEN now() - interval '2 min' AND now()) FROM alerts WHERE sensor_id = 'hot'),
                    (SELECT started_at BETWEEN now() - interval '2 min' AND now() FROM consumer_health),
                    (SELECT bool_and(at BETWEEN now() - interval '2 min' AND now()) FROM consumer_samples)
                """, cancellationToken));

        async Task EventuallyAsync(string condition)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            while (!await database.ScalarAsync<bool>(condition, cancellationToken))
            {
                await timer.WaitForNextTickAsync(cancellationToken);
            }
        }
    }
}
