using System.Text;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class ReadingParserTests
{
    private const string Complete = """
        {"timestamp":"2025-09-16T21:41:41.011144Z","sensor_id":"temp-sensor-001","sensor_type":"temperature","location":{"factory_section":"production","machine_id":"machine-001","zone":"zone-a"},"value":42.48,"unit":"°C","alert_level":"critical","quality":0.5,"metadata":{"reading_count":14,"warning_threshold":35.0,"critical_threshold":40.0}}
        """;

    private readonly ReadingParser _parser = new(new SensorDirectory(100), new KeyMemory(), new DialectReader(new MessagesOptions()));

    [Fact]
    public void A_complete_message_is_read_field_by_field()
    {
        Assert.Equal(Rejection.None, Parse(Complete));

        var reading = _parser.Reading;
        Assert.Equal(
            ("temp-sensor-001", "temperature", "°C", "production", "machine-001", "zone-a"),
            (reading.Sensor.Identity.Name, reading.Sensor.Type, reading.Sensor.Unit, reading.Sensor.FactorySection, reading.Sensor.MachineId, reading.Sensor.Zone));
        Assert.Equal(new DateTime(2025, 9, 16, 21, 41, 41, 11, 144, DateTimeKind.Utc), PostgresTime.ToUtc(reading.Timestamp));
        Assert.Equal((42.48, 0.5f, AlertLevel.Critical, true, 14L, true, 35.0, 40.0),
            (reading.Value, reading.Quality, reading.Level, reading.HasLevel, reading.ReadingCount, reading.HasCount, reading.Warning, reading.Critical));
    }

    [Fact]
    public void Metadata_location_quality_and_alert_level_may_be_absent_or_null()
    {
        Assert.Equal(Rejection.None, Parse("""{"timestamp":"2025-09-16T21:41:41Z","sensor_id":"s","sensor_type":"t","value":1,"unit":"u","location":null,"metadata":null,"quality":null,"alert_level":null}"""));

        var reading = _parser.Reading;
        Assert.Equal((1f, false, false, double.NaN, double.NaN), (reading.Quality, reading.HasLevel, reading.HasCount, reading.Warning, reading.Critical));
        Assert.Null(reading.Sensor.Zone);
    }

    [Fact]
    public void What_is_not_known_is_passed_over()
    {
        Assert.Equal(Rejection.None, Parse("""{"new":{"deep":[1,{"sensor_id":"x"}]},"timestamp":"2025-09-16T21:41:41Z","sensor_id":"s","sensor_type":"t","value":1,"unit":"u","metadata":{"source_timestamp":"2013-12-02","more":[]}}"""));
        Assert.Equal("s", _parser.Reading.Sensor.Identity.Name);
    }

    [Fact]
    public void Escaped_text_is_the_same_sensor_as_plain_text()
    {
        Parse(Complete);
        var plain = _parser.Reading.Sensor;

        Parse(Complete.Replace("°C", "\\u00b0C", StringComparison.Ordinal).Replace("temp-sensor", "t\\u0065mp-sensor", StringComparison.Ordinal));

        Assert.Same(plain, _parser.Reading.Sensor);
    }

    [Fact]
    public void A_sensor_that_moves_gets_a_second_description_and_keeps_its_identity()
    {
        Parse(Complete);
        var before = _parser.Reading.Sensor;

        Parse(Complete.Replace("zone-a", "zone-b", StringComparison.Ordinal));

        Assert.NotSame(before, _parser.Reading.Sensor);
        Assert.Same(before.Identity, _parser.Reading.Sensor.Identity);
    }

    [Fact]
    public void Known_sensors_cost_no_allocation()
    {
        var message = Encoding.UTF8.GetBytes(Complete);
        // First in full, then by its shape.
        _parser.Parse(message);
        _parser.Parse(message);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1000; i++)
        {
            _parser.Parse(message);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData("2025-09-16T21:41:41", "2025-09-16T21:41:41")]
    [InlineData("2025-09-16T23:41:41+02:00", "2025-09-16T21:41:41")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00")]
    [InlineData("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999")]
    public void Times_are_taken_as_UTC(string text, string utc)
    {
        Assert.Equal(Rejection.None, Parse(Complete.Replace("2025-09-16T21:41:41.011144Z", text, StringComparison.Ordinal)));
        Assert.Equal(DateTime.Parse(utc), PostgresTime.ToUtc(_parser.Reading.Timestamp));
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("no json", "malformed_json")]
    [InlineData("[1]", "malformed_json")]
    [InlineData("{\"a\":1} {}", "malformed_json")]
    [InlineData("{\"timestamp\":", "malformed_json")]
    [InlineData("{}", "missing_field")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\"}", "missing_field")]
    [InlineData("{\"timestamp\":true,\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\"}", "wrong_type")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":{\"a\":[1]},\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\"}", "wrong_type")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":\"hot\",\"unit\":\"u\"}", "wrong_type")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\",\"location\":[]}", "wrong_type")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\",\"metadata\":{\"reading_count\":1.5}}", "wrong_type")]
    [InlineData("{\"timestamp\":\"+12026-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\"}", "invalid_timestamp")]
    [InlineData("{\"timestamp\":\"0001-01-01T00:00:00+05:00\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\"}", "invalid_timestamp")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":1e999,\"unit\":\"u\"}", "invalid_value")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":NaN,\"unit\":\"u\"}", "no_value")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\",\"quality\":1e300}", "invalid_value")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\",\"alert_level\":\"bad\"}", "invalid_alert_level")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"a\\u0000b\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\"}", "invalid_text")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"a\\ud800b\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\"}", "invalid_text")]
    [InlineData("{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"a unit of more than thirty-two letters\"}", "too_long")]
    public void What_is_no_reading_is_rejected_with_a_reason(string message, string reason) =>
        Assert.Equal(reason, Rejections.NameOf(Parse(message)));

    [Fact]
    public void Text_that_is_no_UTF8_is_rejected()
    {
        byte[] message = [.. "{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"a"u8, 0xff, .. "\",\"sensor_type\":\"t\",\"value\":1,\"unit\":\"u\"}"u8];

        Assert.Equal(Rejection.InvalidText, _parser.Parse(message));
    }

    [Fact]
    public void A_message_of_more_than_64_KiB_is_rejected_and_its_beginning_is_kept_with_size_and_hash()
    {
        var message = new byte[1_000_000];
        new Random(1).NextBytes(message);

        Assert.Equal(Rejection.Oversized, _parser.Parse(message));
        Assert.Equal(message[..65536], _parser.Rejected.Bytes);
        Assert.Equal((1_000_000, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(message))), (_parser.Rejected.Size, _parser.Rejected.Sha256));
    }

    [Fact]
    public void A_rejected_message_tells_sensor_and_number_where_they_can_be_read()
    {
        Assert.Equal(Rejection.InvalidValue, Parse("""{"value":1e999,"sensor_id":"s-7","metadata":{"reading_count":12}}"""));
        Assert.Equal(("s-7", 12L, "Cannot take the value 1e999: it is beyond a double, 1.7976931348623157E+308 is the most"), (_parser.SensorId, _parser.ReadingCount, _parser.Detail));
    }

    private Rejection Parse(string message) => _parser.Parse(Encoding.UTF8.GetBytes(message));
}
