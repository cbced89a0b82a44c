using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>A stored row, read without the view: a log's key and an offset find the batch, and the batch's time finds the row.</summary>
internal static class ReadingColumns
{
    internal const string Select = $"{Columns} FROM readings r {Joins}";

    internal const string Columns = """
        SELECT d.sensor_id, d.sensor_type, r."timestamp", r.value, d.unit, (ARRAY['normal', 'warning', 'critical'])[r.alert_level + 1], r.quality,
               d.factory_section, d.machine_id, d.zone, r.reading_count, c.consumer_id, r.kafka_partition, r.kafka_offset, r.processing_timestamp
        """;

    internal const string Joins = "JOIN sensor_descriptions d USING (sensor_key) JOIN consumers c USING (consumer_key)";

    internal static ReadingBody Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.Timestamp(2), row.GetDouble(3), row.GetString(4), row.GetString(5), Math.Round(row.GetFloat(6), 6),
        row.Text(7), row.Text(8), row.Text(9), row.Value<long>(10), row.GetString(11), row.GetInt32(12), row.GetInt64(13), row.Timestamp(14));
}
