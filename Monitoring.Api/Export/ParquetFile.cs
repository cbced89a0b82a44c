using Npgsql;
using Parquet;
using Parquet.Schema;

namespace FactoryMonitoring.Monitoring.Api.Export;

/// <summary>Writes Apache Parquet, in row groups. Times are timestamps in UTC to the microsecond; every column may be null.</summary>
internal sealed class ParquetFile(Stream stream) : ExportFile
{
    private readonly PartStream _part = new();
    private Column[] _columns = [];
    private ParquetWriter? _writer;

    protected override int MaxRows => 15_000;

    public override async Task BeginAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        _columns = [.. Enumerable.Range(0, reader.FieldCount).Select(i => Column.For(reader.GetName(i), reader.GetFieldType(i)))];
        _writer = await ParquetWriter.CreateAsync(new ParquetSchema([.. _columns.Select(column => column.Field)]), _part, cancellationToken: cancellationToken);
    }

    public override async Task EndAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        await _writer!.DisposeAsync();
        _writer = null;
        await _part.DrainAsync(stream, cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        if (_writer is { } writer)
        {
            _writer = null;
            await writer.DisposeAsync();
        }

        await _part.DisposeAsync();
    }

    protected override void Add(NpgsqlDataReader row)
    {
        for (var i = 0; i < _columns.Length; i++)
        {
            _columns[i].Add(row, i);
        }
    }

    protected override async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_columns is [] || _columns[0].IsEmpty)
        {
            return;
        }

        using (var group = _writer!.CreateRowGroup())
        {
            foreach (var column in _columns)
            {
                await column.WriteAsync(group, cancellationToken);
            }
        }

        await _part.DrainAsync(stream, cancellationToken);
    }

    private abstract class Column(DataField field)
    {
        public DataField Field { get; } = field;

        public abstract bool IsEmpty { get; }

        public static Column For(string name, Type type) => type switch
        {
            _ when type == typeof(DateTime) => new Values<DateTime>(
                new DateTimeDataField(name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, unit: DateTimeTimeUnit.Micros, isNullable: true), (row, i) => row.GetDateTime(i)),
            _ when type == typeof(double) => new Values<double>(new DataField<double?>(name), (row, i) => row.GetDouble(i)),
            _ when type == typeof(float) => new Values<float>(new DataField<float?>(name), (row, i) => row.GetFloat(i)),
            _ when type == typeof(bool) => new Values<bool>(new DataField<bool?>(name), (row, i) => row.GetBoolean(i)),
            _ when type == typeof(long) => new Values<long>(new DataField<long?>(name), (row, i) => row.GetInt64(i)),
            _ when type == typeof(int) || type == typeof(short) => new Values<int>(new DataField<int?>(name), (row, i) => row.GetInt32(i)),
            _ => new Texts(new DataField<string>(name, true)),
        };

        public abstract void Add(NpgsqlDataReader row, int ordinal);

        /// <summary>Writes the added values, and discards them.</summary>
        public abstract Task WriteAsync(ParquetRowGroupWriter group, CancellationToken cancellationToken);
    }

    private sealed class Values<T>(DataField field, Func<NpgsqlDataReader, int, T> read) : Column(field)
        where T : struct
    {
        private readonly List<T?> _values = [];

        public override bool IsEmpty => _values.Count == 0;

        public override void Add(NpgsqlDataReader row, int ordinal) => _values.Add(row.IsDBNull(ordinal) ? null : read(row, ordinal));

        public override async Task WriteAsync(ParquetRowGroupWriter group, CancellationToken cancellationToken)
        {
            await group.WriteAsync<T>(Field, _values.ToArray().AsMemory(), cancellationToken: cancellationToken);
            _values.Clear();
        }
    }

    private sealed class Texts(DataField field) : Column(field)
    {
        private readonly List<string?> _values = [];

        public override bool IsEmpty => _values.Count == 0;

        public override void Add(NpgsqlDataReader row, int ordinal) => _values.Add(row.IsDBNull(ordinal) ? null : row.GetValue(ordinal).ToString());

        public override async Task WriteAsync(ParquetRowGroupWriter group, CancellationToken cancellationToken)
        {
            await group.WriteAsync(Field, _values!);
            _values.Clear();
        }
    }
}
