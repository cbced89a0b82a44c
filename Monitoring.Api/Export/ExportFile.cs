using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Export;

/// <summary>A file to which rows are written as they are read, so that only a part of it is in memory.</summary>
internal abstract class ExportFile : IAsyncDisposable
{
    private int _rows;

    /// <summary>Maximum number of rows that are buffered before they are written.</summary>
    protected abstract int MaxRows { get; }

    /// <param name="format">csv or parquet.</param>
    public static ExportFile To(Stream stream, string format) => format == "csv" ? new CsvFile(stream) : new ParquetFile(stream);

    public static string TypeOf(string format) => format == "csv" ? "text/csv; charset=utf-8; header=present" : "application/vnd.apache.parquet";

    /// <summary>Sets the names and types of the columns; called before all rows.</summary>
    public abstract Task BeginAsync(NpgsqlDataReader reader, CancellationToken cancellationToken);

    /// <summary>Writes all rows of the reader.</summary>
    public async Task WriteAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        while (await reader.ReadAsync(cancellationToken))
        {
            Add(reader);
            if (++_rows >= MaxRows)
            {
                await FlushAsync(cancellationToken);
                _rows = 0;
            }
        }
    }

    /// <summary>Writes the remaining rows and completes the file; called after all rows.</summary>
    public abstract Task EndAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    protected abstract void Add(NpgsqlDataReader row);

    protected abstract Task FlushAsync(CancellationToken cancellationToken);
}
