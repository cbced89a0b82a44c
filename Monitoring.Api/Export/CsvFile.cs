using System.Globalization;
using CsvHelper;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Export;

/// <summary>
/// Writes RFC 4180 in UTF-8: a header, commas, CR LF, quotes where they are needed. Times are ISO 8601 in UTC, numbers have all their digits and a
/// decimal point, and null values are empty.
/// </summary>
internal sealed class CsvFile : ExportFile
{
    private readonly Stream _stream;
    private readonly MemoryStream _part = new();
    private readonly CsvWriter _csv;

    public CsvFile(Stream stream)
    {
        _stream = stream;
        _csv = CsvWriter.Create(_part, new CsvWriterOptions { NewLine = "\r\n" }, leaveOpen: true);
    }

    protected override int MaxRows => 500;

    public override Task BeginAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        for (var i = 0; i < reader.FieldCount; i++)
        {
            _csv.WriteField(reader.GetName(i));
        }

        _csv.EndRecord();
        return FlushAsync(cancellationToken);
    }

    public override Task EndAsync(CancellationToken cancellationToken) => FlushAsync(cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await _csv.DisposeAsync();
        await _part.DisposeAsync();
    }

    protected override void Add(NpgsqlDataReader row)
    {
        for (var i = 0; i < row.FieldCount; i++)
        {
            _csv.WriteField(row.IsDBNull(i) ? "" : TextOf(row.GetValue(i)));
        }

        _csv.EndRecord();
    }

    protected override async Task FlushAsync(CancellationToken cancellationToken)
    {
        _csv.Flush();
        await _stream.WriteAsync(_part.GetBuffer().AsMemory(0, (int)_part.Length), cancellationToken);
        _part.SetLength(0);
    }

    private static string TextOf(object value) => value switch
    {
        DateTime time => time.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture),
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
