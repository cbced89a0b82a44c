using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Export;

/// <summary>A file that rows are written to as they are read, so that no more than a part of it is in memory.</summary>
internal abstract class ExportFile : IAsyncDisposable
{
    private int _rows;

    /// <summary>Rows that are held before they are written.</summary>
    protected abstract int MaxRows { get; }

    /// <param name="format">csv or parquet.</param>
    public static ExportFile To(Stream stream, string format) => format == "csv" ? new CsvFile(stream) : new ParquetFile(stream);

    public static string TypeOf(string format) => format == "csv" ? "text/csv; charset=utf-8; header=present" : "application/vnd.apache.parquet";

    /// <summary>Names and types of the columns; before all rows.</summary>
    public abstract Task BeginAsync(NpgsqlDataReader reader, CancellationToken cancellationToken);

    /// <summary>All rows of the reader.</summary>
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

    /// <summary>After all rows: what is left is written, and the file is whole.</summary>
    public abstract Task EndAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    protected abstract void Add(NpgsqlDataReader row);

    protected abstract Task FlushAsync(CancellationToken cancellationToken);
}
