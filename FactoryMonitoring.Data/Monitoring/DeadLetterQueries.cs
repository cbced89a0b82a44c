using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Reads the messages that were not readings.</summary>
public sealed class DeadLetterQueries(NpgsqlDataSource dataSource)
{
    internal const string OfSensor = $"{Columns} WHERE sensor_id = $1 ORDER BY rejected_at DESC LIMIT 50";

    internal const string OfConsumer = $"{Columns} WHERE consumer_id = $1 AND rejected_at > CURRENT_TIMESTAMP - interval '24 h' ORDER BY rejected_at DESC LIMIT 50";

    private const string Columns =
        "SELECT kafka_partition, kafka_offset, reason, detail, consumer_id, sensor_id, reading_count, rejected_at FROM rejected_messages";

    private const string Newest = $"{Columns} WHERE ($1 IS NULL OR rejected_at < $1) ORDER BY rejected_at DESC, kafka_partition, kafka_offset LIMIT $2";

    /// <summary>Reads a page of dead letters, newest first.</summary>
    /// <param name="before">Only older dead letters.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<DeadLetterBody>> ListAsync(DateTimeOffset? before, int limit, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Newest);
        command.Parameters.Add(Parameters.Timestamp(before));
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(DeadLetter, cancellationToken);
    }

    internal static DeadLetterBody DeadLetter(NpgsqlDataReader row) => new(
        row.GetInt32(0), row.GetInt64(1), row.GetString(2), row.GetString(3), row.GetString(4), row.Text(5), row.Value<long>(6), row.Timestamp(7));
}
