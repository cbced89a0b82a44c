using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>A message of a known shape is read exactly as the full parser would have read it, whatever it contains.</summary>
public sealed class MessageShapeTests
{
    private const string Message = """
        {"timestamp":"2025-09-16T21:41:41.011144Z","sensor_id":"temp-sensor-001","sensor_type":"temperature","location":{"zone":"zone-a"},"value":42.48,"unit":"°C","alert_level":"critical","quality":0.5,"metadata":{"reading_count":14,"warning_threshold":35.0}}
        """;

    private readonly SensorDirectory _sensors = new(100);

    [Theory]
    [InlineData("42.48", "0", "-0", "-0.0", "7", "-12.5", "00", "01", "-01", "1.", ".5", "+1", "1e3", "1E-3", "9007199254740993", "123456789012345", "0.1234567890123456789",
        "4.35", "0.000001", "1.7976931348623157e309", "NaN", "null", "\"5\"", "5,\"value\":6", "5 ", " 5", "", "-", "1_0", "12345678901234567890")]
    [InlineData("critical\"", "normal\"", "warning\"", "Normal\"", "normalx\"", "\"", "n\\u006frmal\"", "warning\",\"alert_level\":\"normal\"", "warning")]
    [InlineData("2025-09-16T21:41:41.011144Z", "2024-02-29T00:00:00Z", "2025-02-29T00:00:00Z", "2025-09-16T21:41:41Z", "2025-09-16T21:41:41.1Z", "2025-09-16T21:41:41.1234567Z",
        "2025-09-16T21:41:41.12345678Z", "2025-09-16T21:41:41.Z", "2025-09-16T21:41:41+02:00", "2025-09-16T21:41:41", "2025-09-16", "2025-13-16T21:41:41Z", "2025-00-16T21:41:41Z",
        "2025-09-31T21:41:41Z", "2025-09-16T24:00:00Z", "2025-09-16T23:60:00Z", "2025-09-16T23:59:60Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z",
        "2025-09-16t21:41:41Z", "2025-09-16T21:41:41z", "2025-09-16T21:41:41ZZ", " 2025-09-16T21:41:41Z", "", "yesterday")]
    [InlineData("14", "0", "15", "-1", "015", "1e2", "1.0", "9223372036854775807", "9223372036854775808", "999999999999999999", "1000000000000000000", "null")]
    [InlineData("0.5", "1", "0.1", "3.5e38", "1e39", "-1", "0.30000000000000004")]
    public void Whatever_stands_in_a_fields_place(string field, params string[] others)
    {
        foreach (var other in others) AssertSame(Message.Replace(field, other, StringComparison.Ordinal), other);
    }

    [Fact]
    public void Whatever_byte_is_changed_added_or_left_out()
    {
        var random = new Random(1);
        var original = Encoding.UTF8.GetBytes(Message);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = original.ToList();
            var at = random.Next(bytes.Count);
            switch (random.Next(3))
            {
                case 0:
                    bytes[at] = random.Next(3) == 0 ? (byte)random.Next(256) : original[random.Next(original.Length)];
                    break;
                case 1:
                    bytes.Insert(at, original[random.Next(original.Length)]);
                    break;
                default:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at));
                    break;
            }

            AssertSame([.. bytes], Encoding.Latin1.GetString([.. bytes]));
        }
    }

    [Fact]
    public void Numbers_are_the_same_doubles()
    {
        var random = new Random(2);
        for (var i = 0; i < 20_000; i++)
        {
            var value = (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(12));
            var text = random.Next(2) == 0 ? value.ToString("R", CultureInfo.InvariantCulture) : value.ToString($"F{random.Next(12)}", CultureInfo.InvariantCulture);
            AssertSame(Message.Replace("42.48", text, StringComparison.Ordinal), text);
        }
    }

    [Fact]
    public void Sensors_that_send_under_one_key_are_not_taken_for_each_other()
    {
        var parser = new ReadingParser(_sensors, new KeyMemory(), new DialectReader(new MessagesOptions()));
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(Rejection.None, parser.Parse(Encoding.UTF8.GetBytes(Message.Replace("001", $"{i % 7}", StringComparison.Ordinal))));
            Assert.Equal($"temp-sensor-{i % 7}", parser.Reading.Sensor.Identity.Name);
        }
    }

    [Fact]
    public void A_message_of_a_known_shape_is_read_without_an_object()
    {
        var keys = new KeyMemory();
        keys.Deserialize("temp-sensor-001"u8, false, SerializationContext.Empty);
        var parser = new ReadingParser(_sensors, keys, new DialectReader(new MessagesOptions()));
        byte[][] messages = [.. Enumerable.Range(0, 1_000).Select(i => Encoding.UTF8.GetBytes(Message.Replace("42.48", $"{i}.5", StringComparison.Ordinal)))];
        parser.Parse(messages[0]);
        parser.Parse(messages[1]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var message in messages) parser.Parse(message);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(999.5, parser.Reading.Value);
    }

    private void AssertSame(string message, string what) => AssertSame(Encoding.UTF8.GetBytes(message), what);

    private void AssertSame(byte[] message, string what)
    {
        var full = new ReadingParser(_sensors, new KeyMemory(), new DialectReader(new MessagesOptions()));
        var known = new ReadingParser(_sensors, new KeyMemory(), new DialectReader(new MessagesOptions()));
        Assert.Equal(Rejection.None, known.Parse(Encoding.UTF8.GetBytes(Message)));
        Assert.Equal((what, full.Parse(message), full.Detail), (what, known.Parse(message), known.Detail));
        if (full.Detail.Length == 0) Assert.Equal((what, Fields(full.Reading)), (what, Fields(known.Reading)));
    }

    private static object Fields(in Reading reading) =>
        (reading.Sensor, reading.Timestamp, BitConverter.DoubleToInt64Bits(reading.Value), reading.Quality, reading.Level, reading.HasLevel, reading.ReadingCount, reading.HasCount,
            reading.Warning, reading.Critical);
}
