using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Tests.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>The readings that a sensor's chart shows: the newest ones, wherever they are stored.</summary>
public sealed class NewestReadingsTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static readonly ConsumersOptions OftenDue = new() { SnapshotInterval = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task Those_of_all_partitions_are_shown_in_the_order_of_their_arrival()
    {
        await using var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue);
        await consumer.ClaimAsync(0, Timeout);
        await consumer.ClaimAsync(1, Timeout);
        for (var i = 0; i < 6; i++)
        {
            // The offsets of one partition are far from those of the other.
            consumer.Post([new LogMessage(i % 2, i % 2 == 0 ? i : 1_000_000 + i, LaneHarness.Reading("s", i + 1, 20 + i))]);
            await consumer.SettledAsync(Timeout);
        }

        await consumer.ReleaseAsync(Timeout, 0, 1);
        var readings = (await new SensorQueries(Database.Monitor).FindAsync("s", Timeout))!.Readings;
        Assert.Equal([20.0, 21, 22, 23, 24, 25], readings.Select(reading => reading.Value));
        Assert.Equal([0, 1, 0, 1, 0, 1], readings.Select(reading => reading.KafkaPartition));
    }

    [Theory]
    [InlineData(1_900_000, 200)]
    [InlineData(2_100_000, 100)]
    public async Task Live_ones_are_found_behind_a_backfill_of_bounded_size(int backfilled, int found)
    {
        await using (var consumer = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue))
        {
            await consumer.ClaimAsync(0, Timeout);
            consumer.Post(Enumerable.Range(0, 200).Select(i => new LogMessage(0, i, LaneHarness.Reading("s", i + 1, i))));
            consumer.Post(
                [new LogMessage(0, 200, System.Text.Encoding.UTF8.GetBytes("""{"timestamp":"2004-03-10T18:00:00Z","sensor_id":"s","sensor_type":"temperature","value":20,"unit":"°C","metadata":{"backfill":true}}"""))]);
            await consumer.ReleaseAsync(Timeout, 0);
        }

        // The same backfilled reading repeatedly, an hour or two ago, and 100 live ones since.
        await Database.RowsAsync("UPDATE readings SET processing_timestamp = processing_timestamp - interval '3 h'; UPDATE reading_batches SET processing_timestamp = processing_timestamp - interval '3 h'", Timeout);
        const int Step = 20_000;
        for (var first = 0; first < backfilled; first += Step)
        {
            await Database.RowsAsync(
                $"""
                INSERT INTO readings (processing_timestamp, "timestamp", kafka_offset, value, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
                SELECT date_trunc('hour', now()) - interval '1 h' + {first / Step} * interval '200 ms', '2004-03-10', 1000 + i, 20, d.sensor_key, 1, 0, 1, 1, 0
                FROM sensor_descriptions d, generate_series({first}, {first + Step - 1}) i WHERE d.backfill
                """, Timeout);
            await Database.RowsAsync(
                $"""
                INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, messages, kafka_partition, consumer_key, log_key)
                VALUES (date_trunc('hour', now()) - interval '1 h' + {first / Step} * interval '200 ms', {1000 + first}, {1000 + first + Step}, {Step}, {Step}, 0, 1, 1)
                """, Timeout);
        }

        await using (var consumer = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, OftenDue))
        {
            await Database.RowsAsync($"UPDATE partition_offsets SET next_offset = {1000 + backfilled}", Timeout);
            await consumer.ClaimAsync(0, Timeout);
            consumer.Post(Enumerable.Range(0, 100).Select(i => new LogMessage(0, 1000 + backfilled + i, LaneHarness.Reading("s", 201 + i, 1000 + i))));
            await consumer.ReleaseAsync(Timeout, 0);
        }

        // What is found is asserted here, and not how long the search may take.
        await using var patient = NpgsqlDataSource.Create(Database.ConnectionStringOf(DatabaseRoles.Monitor) + ";Command Timeout=60");
        var readings = (await new SensorQueries(patient).FindAsync("s", Timeout))!.Readings;
        Assert.Equal(found, readings.Count);
        Assert.Equal(1099, readings[^1].Value);
    }
}
