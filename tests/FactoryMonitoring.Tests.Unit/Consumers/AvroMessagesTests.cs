using System.Globalization;
using System.Text;
using System.Text.Json;
using Avro;
using Avro.Generic;
using Avro.IO;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>The JSON that an Avro message is turned into, and how that is read.</summary>
public sealed class AvroMessagesTests
{
    private const string Date = """{"type":"int","logicalType":"date"}""";
    private const string Millis = """{"type":"int","logicalType":"time-millis"}""";
    private const string Micros = """{"type":"long","logicalType":"time-micros"}""";

    private static readonly DateTime Day = new(2026, 1, 31, 0, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData(Date, Millis, "UTC", "2026-01-31T12:00:01.5")]
    [InlineData(Date, Micros, "UTC", "2026-01-31T12:00:01.5")]
    [InlineData($"[\"null\",{Date}]", $"[{Millis},\"null\"]", "UTC", "2026-01-31T12:00:01.5")]
    // Neither has a zone.
    [InlineData(Date, Millis, "Europe/Berlin", "2026-01-31T11:00:01.5")]
    public void A_date_and_a_time_of_day_are_a_time(string date, string time, string zone, string utc)
    {
        var schema = (RecordSchema)Schema.Parse($$"""{"type":"record","name":"R","fields":[{"name":"date","type":{{date}}},{"name":"time","type":{{time}}},{"name":"temperature","type":"double"}]}""");
        var parser = Parse(schema, zone, ("date", Day), ("time", new TimeSpan(0, 12, 0, 1, 500)), ("temperature", 21.5));
        Assert.Equal(DateTime.Parse(utc, CultureInfo.InvariantCulture), PostgresTime.ToUtc(parser.Reading.Timestamp));
    }

    [Theory]
    [InlineData(Date, "2026-01-31T00:00:00")]
    [InlineData("""{"type":"long","logicalType":"timestamp-millis"}""", "2026-01-31T00:00:00")]
    [InlineData("""["null",{"type":"long","logicalType":"timestamp-micros"}]""", "2026-01-31T00:00:00")]
    public void A_date_alone_is_midnight(string type, string utc)
    {
        var schema = (RecordSchema)Schema.Parse($$"""{"type":"record","name":"R","fields":[{"name":"ts","type":{{type}}},{"name":"temperature","type":"double"}]}""");
        var parser = Parse(schema, "UTC", ("ts", Day), ("temperature", 21.5));
        Assert.Equal(DateTime.Parse(utc, CultureInfo.InvariantCulture), PostgresTime.ToUtc(parser.Reading.Timestamp));
    }

    private static ReadingParser Parse(RecordSchema schema, string zone, params (string Name, object Value)[] fields)
    {
        var record = new GenericRecord(schema);
        foreach (var (name, value) in fields)
        {
            record.Add(name, value);
        }

        using var binary = new MemoryStream();
        new GenericDatumWriter<GenericRecord>(schema).Write(record, new BinaryEncoder(binary));
        binary.Position = 0;
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            AvroMessages.Write(json, new GenericDatumReader<GenericRecord>(schema, schema).Read(null!, new BinaryDecoder(binary)));
        }

        var key = new KeyMemory();
        key.Deserialize("k"u8, isNull: false, SerializationContext.Empty);
        var parser = new ReadingParser(new SensorDirectory(100), key, new DialectReader(new MessagesOptions { TimeZone = zone }));
        Assert.True(parser.Parse(text.ToArray()) == Rejection.None, $"{Encoding.UTF8.GetString(text.ToArray())}: {parser.Detail}");
        return parser;
    }
}
