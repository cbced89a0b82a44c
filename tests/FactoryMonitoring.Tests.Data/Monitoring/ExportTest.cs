namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>A test of exported files, with readings of one sensor to store.</summary>
public abstract class ExportTest(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    protected async Task InsertAsync(int count, string sensor)
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log')");
        await ExecuteAsync("INSERT INTO consumers (consumer_id) VALUES ('c')");
        await ExecuteAsync("INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit, factory_section) VALUES ($1, 'temperature', '°C', 'production')", sensor);
        for (var first = 0; first < count; first += 100_000)
        {
            await ExecuteAsync("""
                INSERT INTO readings ("timestamp", processing_timestamp, kafka_offset, value, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
                SELECT $1, $1, i, (i + 1) / 10.0, 1, 1, 0, 0.9, 1, 1 FROM generate_series($2, $3) i
                """, Now, first, Math.Min(count, first + 100_000) - 1);
        }

        await ExecuteAsync("""
            INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, kafka_partition, consumer_key, log_key) VALUES ($1, 0, $2, $2, 0, 1, 1)
            """, Now, count);
    }
}
