using Npgsql;

namespace FactoryMonitoring.Data.Sensors;

/// <summary>Allocates reading_counts in blocks that no sensor ever gets twice, even after restarts and kills.</summary>
public sealed class SensorSequenceStore(NpgsqlDataSource dataSource)
{
    // Sorted, so that two processes that reserve for the same sensors never deadlock.
    private const string Reserve = """
        INSERT INTO sensor_sequences AS s (sensor_id, next_count)
        SELECT DISTINCT id, 1 + $2::bigint FROM unnest($1::text[]) id ORDER BY id
        ON CONFLICT (sensor_id) DO UPDATE SET next_count = s.next_count + $2, reserved_at = CURRENT_TIMESTAMP
        RETURNING sensor_id, next_count - $2
        """;

    /// <summary>Reserves a block for each sensor in one statement. If the answer is lost, the blocks are skipped, which does no harm.</summary>
    /// <returns>The first count of each sensor's block.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyDictionary<string, long>> ReserveAsync(IReadOnlyCollection<string> sensorIds, int blockSize, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Reserve);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. sensorIds] });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = blockSize });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var first = new Dictionary<string, long>(sensorIds.Count);
        while (await reader.ReadAsync(cancellationToken))
        {
            first.Add(reader.GetString(0), reader.GetInt64(1));
        }

        return first;
    }
}
