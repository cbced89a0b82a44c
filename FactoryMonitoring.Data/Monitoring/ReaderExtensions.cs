using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

internal static class ReaderExtensions
{
    /// <summary>Reads the rows of the current result and advances to the next one.</summary>
    internal static async Task<IReadOnlyList<T>> RowsAsync<T>(this NpgsqlDataReader reader, Func<NpgsqlDataReader, T> map, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(map(reader));
        }

        await reader.NextResultAsync(cancellationToken);
        return rows;
    }

    internal static DateTimeOffset Timestamp(this NpgsqlDataReader reader, int ordinal) => reader.GetFieldValue<DateTimeOffset>(ordinal);

    internal static string? Text(this NpgsqlDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);

    internal static T? Value<T>(this NpgsqlDataReader reader, int ordinal)
        where T : struct => reader.IsDBNull(ordinal) ? null : reader.GetFieldValue<T>(ordinal);
}
