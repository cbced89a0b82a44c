using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>Messages with one reading each, as devices and gateways send them.</summary>
public sealed class DialectTests
{
    /// <summary>The reading as the factory's own sensors send it.</summary>
    private const string Ours = """
        {"timestamp":"2026-01-31T12:00:00.123456Z","sensor_id":"s-1","sensor_type":"temperature","value":21.5,"unit":"°C"}
        """;

    private readonly SensorDirectory _sensors = new(100);
    private readonly KeyMemory _key = new();

    public static TheoryData<string, string, string> Payloads => new()
    {
        // The name; the mapping, as comma-separated key=pointer pairs; the message.
        { "Telegraf, JSON", "Id=tags/sensor,Type=name,Value=fields/value", """{"fields":{"value":21.5},"name":"temperature","tags":{"host":"gw-1","sensor":"s-1"},"timestamp":1769860800123456000}""" },
        { "Kafka Connect, JsonConverter with schemas", "", """{"schema":{"type":"struct","fields":[{"field":"value","type":"double"}]},"payload":{"timestamp":1769860800123.456,"sensor_id":"s-1","sensor_type":"temperature","value":21.5}}""" },
        { "Kafka Connect, a text as payload", "", """{"schema":{"type":"string"},"payload":"{\"ts\":\"2026-01-31 12:00:00.123456\",\"sensor_id\":\"s-1\",\"sensor_type\":\"temperature\",\"value\":21.5}"}""" },
        { "CloudEvents, structured", "", """{"specversion":"1.0","id":"a1","type":"com.example.reading","source":"/line/1","subject":"s-1","time":"2026-01-31T12:00:00.123456Z","datacontenttype":"application/json","data":{"sensor_type":"temperature","value":21.5,"unit":"°C"}}""" },
        { "CloudEvents, base64", "", """{"specversion":"1.0","id":"a1","type":"t","source":"s-1","time":"2026-01-31T12:00:00.123456Z","data_base64":"eyJzZW5zb3JfdHlwZSI6InRlbXBlcmF0dXJlIiwidmFsdWUiOjIxLjV9"}""" },
        { "CloudEvents in Kafka Connect's envelope", "", """{"schema":null,"payload":{"specversion":"1.0","source":"x","id":"1","type":"t","data":{"timestamp":"2026-01-31T12:00:00.123456Z","sensor_id":"s-1","sensor_type":"temperature","value":21.5}}}""" },
        { "Home Assistant, MQTT state", "Time=last_changed,Id=entity_id,Type=attributes/device_class,Value=state,Unit=attributes/unit_of_measurement", """{"entity_id":"s-1","state":"21.5","attributes":{"unit_of_measurement":"°C","device_class":"temperature","friendly_name":"Hall"},"last_changed":"2026-01-31T12:00:00.123456+00:00"}""" },
        { "Tasmota, one sensor", "Id=DS18B20/Id,Value=DS18B20/Temperature,DefaultType=temperature", """{"Time":"2026-01-31T12:00:00.123456","DS18B20":{"Id":"s-1","Temperature":21.5},"TempUnit":"C"}""" },
        { "ThingsBoard, telemetry with ts", "Id=deviceName,Value=values/temperature,DefaultType=temperature", """{"deviceName":"s-1","ts":1769860800123.456,"values":{"temperature":21.5}}""" },
        { "Sparkplug B as JSON, one metric", "Time=metrics/0/timestamp,Value=metrics/0/value,Type=metrics/0/name,Id=device", """{"timestamp":1769860800999,"device":"s-1","metrics":[{"name":"temperature","timestamp":1769860800123.456,"dataType":"Double","value":21.5}],"seq":7}""" },
        { "OPC UA publisher", "Time=Value/SourceTimestamp,Id=NodeId,Value=Value/Value,Quality=Value/StatusCode/Symbol,DefaultType=temperature", """{"NodeId":"s-1","ApplicationUri":"urn:plc","Value":{"Value":21.5,"SourceTimestamp":"2026-01-31T12:00:00.1234567Z","StatusCode":{"Code":0,"Symbol":"Good"}}}""" },
        { "an array of one", "", """[{"timestamp":"2026-01-31 12:00:00.123456","sensor_id":"s-1","sensor_type":"temperature","value":21.5,"unit":"°C"}]""" },
        { "an array of one, as our own", "", $"[{Ours}]" },
        { "AWS IoT, shadow", "Time=timestamp,Id=clientToken,Value=state/reported/temperature,DefaultType=temperature", """{"state":{"reported":{"temperature":21.5}},"clientToken":"s-1","version":3,"timestamp":1769860800.123456}""" },
        { "Azure IoT Hub, routed", "Time=EnqueuedTimeUtc,Id=SystemProperties/connectionDeviceId,Value=Body/temperature,DefaultType=temperature", """{"EnqueuedTimeUtc":"2026-01-31T12:00:00.1234560Z","Properties":{},"SystemProperties":{"connectionDeviceId":"s-1"},"Body":{"temperature":21.5}}""" },
        { "Node-RED, msg", "Id=topic,Value=payload,DefaultType=temperature", """{"_msgid":"f1","topic":"s-1","payload":21.5,"timestamp":"1769860800123456"}""" },
        { "ESPHome, JSON", "Id=name,Value=state,DefaultType=temperature", """{"name":"s-1","state":"21.5","time":"2026-01-31 12:00:00.123456 UTC"}""" },
        { "Zigbee2MQTT", "Time=last_seen,Id=device/friendlyName,Value=temperature,DefaultType=temperature", """{"battery":91,"device":{"friendlyName":"s-1"},"last_seen":"2026-01-31T13:00:00.123456+01:00","linkquality":84,"temperature":21.5}""" },
        { "The Things Stack, uplink", "Time=received_at,Id=end_device_ids/device_id,Value=uplink_message/decoded_payload/temperature,DefaultType=temperature", """{"end_device_ids":{"device_id":"s-1"},"received_at":"2026-01-31T12:00:00.123456789Z","uplink_message":{"decoded_payload":{"temperature":21.5}}}""" },
        { "Shelly, status", "Time=ts,Id=src,Value=params/temperature:0/tC,DefaultType=temperature", """{"src":"s-1","method":"NotifyStatus","ts":1769860800.123456,"params":{"temperature:0":{"id":0,"tC":21.5,"tF":70.7}}}""" },
        { "Debezium, a row", "Time=after/at,Id=after/sensor,Type=after/kind,Value=after/val", """{"before":null,"after":{"at":1769860800123456,"sensor":"s-1","kind":"temperature","val":21.5},"op":"c","ts_ms":1769860800999}""" },
        { "A Go program", "", """{"Timestamp":"2026-01-31 12:00:00.123456 +0000 UTC","SensorID":"s-1","SensorType":"temperature","Value":21.5,"Unit":"°C"}""" },
        { "A Java program", "", """{"timestamp":"2026-01-31T13:00:00.123456+01:00[Europe/Berlin]","sensorId":"s-1","sensorType":"temperature","value":21.5}""" },
        { "A Python program", "", """{"timestamp": 1769860800.123456, "sensor_id": "s-1", "sensor_type": "temperature", "value": 21.5, "humidity": NaN, "note": "NaN \" Infinity"}""" },
        { "Windows, with a mark of the byte order", "", "\uFEFF" + Ours },
        { "A Schema Registry's JSON", "", "\0\0\0\0\u0007" + Ours },
        { "alternatives in the mapping", "Value=temp|temperature,DefaultType=temperature", """{"ts":"20260131T120000.123456Z","device-id":"s-1","temperature":21.5,"value":99}""" },
    };

    [Theory]
    [MemberData(nameof(Payloads))]
    public void A_reading_of_another_is_what_our_own_sensor_would_have_sent(string what, string mapping, string message)
    {
        var parser = Parser(mapping);
        Assert.Equal(Rejection.None, Parse(parser, Ours));
        var ours = parser.Reading;

        Assert.True(Parse(parser, message) == Rejection.None, $"{what}: {parser.Detail}");
        AssertSame(ours, parser.Reading);

        // A second time, now that the shape of the message is known.
        Assert.Equal(Rejection.None, Parse(parser, message));
        AssertSame(ours, parser.Reading);
    }

    [Theory]
    [InlineData("\"2026-01-31 12:00:00Z\"", "2026-01-31T12:00:00")]
    [InlineData("\"2026-01-31 12:00:00\"", "2026-01-31T12:00:00")]
    [InlineData("\"2026-01-31 12:00\"", "2026-01-31T12:00:00")]
    [InlineData("\"2026-01-31t12:00:00z\"", "2026-01-31T12:00:00")]
    [InlineData("\"2026/01/31 12:00:00\"", "2026-01-31T12:00:00")]
    [InlineData("\"20260131T120000Z\"", "2026-01-31T12:00:00")]
    [InlineData("\"2026-01-31\"", "2026-01-31T00:00:00")]
    [InlineData("\"20260131120000\"", "2026-01-31T12:00:00")]
    [InlineData("20260131120000", "2026-01-31T12:00:00")]
    [InlineData("\"20260131120000123\"", "2026-01-31T12:00:00.123")]
    [InlineData("\"20260131120000.5Z\"", "2026-01-31T12:00:00.5")]
    [InlineData("\"20260131130000+0100\"", "2026-01-31T12:00:00")]
    [InlineData("\"20261399120000\"", "2612-01-22T22:25:20")]
    [InlineData("\"12345678901234\"", "2361-03-21T19:15:01.234")]
    [InlineData("\"2026-01-31T12:00:00+0100\"", "2026-01-31T11:00:00")]
    [InlineData("\"2026-01-31T12:00:00+01\"", "2026-01-31T11:00:00")]
    [InlineData("\"2026-01-31 12:00:00 +01:00\"", "2026-01-31T11:00:00")]
    [InlineData("\"2026-01-31 12:00:00-0330\"", "2026-01-31T15:30:00")]
    [InlineData("\"2026-01-31T12:00:00+01:00[Europe/Berlin]\"", "2026-01-31T11:00:00")]
    [InlineData("\"2026-01-31T12:00:00Z[UTC]\"", "2026-01-31T12:00:00")]
    [InlineData("\"2026-01-31 12:00:00 GMT\"", "2026-01-31T12:00:00")]
    [InlineData("\"2026-01-31 12:00:00 +0100 CET\"", "2026-01-31T11:00:00")]
    [InlineData("\"2026-01-31 12:00:00.123456789Z\"", "2026-01-31T12:00:00.123456")]
    [InlineData("\"2026-01-31 12:00:00,5\"", "2026-01-31T12:00:00.5")]
    [InlineData("\"2026-01-31 12:00:00 EST\"", "2026-01-31T17:00:00")]
    [InlineData("\"2026-01-31T24:00:00Z\"", "2026-02-01T00:00:00")]
    [InlineData("\"2016-12-31T23:59:60Z\"", "2017-01-01T00:00:00")]
    [InlineData("\"Sat, 31 Jan 2026 12:00:00 GMT\"", "2026-01-31T12:00:00")]
    [InlineData("\"Sat, 31 Jan 2026 13:00:00 +0100\"", "2026-01-31T12:00:00")]
    [InlineData("\"Sat Jan 31 12:00:00 2026\"", "2026-01-31T12:00:00")]
    [InlineData("\"Thu Jan  1 9:05:00 2026\"", "2026-01-01T09:05:00")]
    [InlineData("\"Sat Jan 31 13:00:00 CET 2026\"", "2026-01-31T12:00:00")]
    [InlineData("\"31-Jan-2026 12:00:00.5\"", "2026-01-31T12:00:00.5")]
    [InlineData("\"January 31, 2026 12:00:00\"", "2026-01-31T12:00:00")]
    [InlineData("1769860800", "2026-01-31T12:00:00")]
    [InlineData("1769860800.25", "2026-01-31T12:00:00.25")]
    [InlineData("1.7698608e9", "2026-01-31T12:00:00")]
    [InlineData("1769860800123", "2026-01-31T12:00:00.123")]
    [InlineData("1769860800123456", "2026-01-31T12:00:00.123456")]
    [InlineData("1769860800123456789", "2026-01-31T12:00:00.123456")]
    [InlineData("\"1769860800123456789\"", "2026-01-31T12:00:00.123456")]
    [InlineData("\"1769860800\"", "2026-01-31T12:00:00")]
    [InlineData("0", "1970-01-01T00:00:00")]
    [InlineData("-1", "1969-12-31T23:59:59")]
    [InlineData("99999999999", "5138-11-16T09:46:39")]
    [InlineData("100000000000", "1973-03-03T09:46:40")]
    public void Times(string text, string utc)
    {
        var parser = Parser();
        Assert.Equal(Rejection.None, Parse(parser, $$"""{"timestamp":{{text}},"sensor_id":"s","sensor_type":"temperature","value":1}"""));
        Assert.Equal(DateTime.Parse(utc, CultureInfo.InvariantCulture), PostgresTime.ToUtc(parser.Reading.Timestamp));
    }

    [Theory]
    [InlineData("2026-01-31T12:00:00", "2026-01-31T11:00:00")]
    [InlineData("2026-07-31 12:00:00", "2026-07-31T10:00:00")]
    [InlineData("2026-07-31T12:00:00Z", "2026-07-31T12:00:00")]
    [InlineData("2026-07-31T12:00:00+05:00", "2026-07-31T07:00:00")]
    // Skipped when daylight saving time begins: read as standard time, which is 03:30 in daylight saving time.
    [InlineData("2026-03-29T02:30:00", "2026-03-29T01:30:00")]
    // Repeated when daylight saving time ends: read as standard time, the second of the two.
    [InlineData("2026-10-25T02:30:00", "2026-10-25T01:30:00")]
    public void A_time_without_a_zone_is_one_of_the_zone_that_is_set(string text, string utc)
    {
        var parser = new ReadingParser(_sensors, _key, new DialectReader(new MessagesOptions { TimeZone = "Europe/Berlin" }));
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(Rejection.None, Parse(parser, Ours.Replace("2026-01-31T12:00:00.123456Z", text, StringComparison.Ordinal)));
            Assert.Equal(DateTime.Parse(utc, CultureInfo.InvariantCulture), PostgresTime.ToUtc(parser.Reading.Timestamp));
        }
    }

    [Theory]
    [InlineData("24:01:00")]
    [InlineData("12:00:60")]
    [InlineData("12:00:00 XYZ")]
    public void Times_that_are_none(string clock) =>
        Assert.Equal(Rejection.InvalidTimestamp, Parse(Parser(), $$"""{"timestamp":"2026-01-31 {{clock}}","sensor_id":"s","sensor_type":"temperature","value":1}"""));

    [Theory]
    [InlineData("\"21.5 °C\"", "", 21.5, "°C")]
    [InlineData("\"45%\"", "", 45, "%")]
    [InlineData("\"-1.5e2 mbar\"", "", -150, "mbar")]
    [InlineData("\"70.7°F\"", ",\"unit\":\"F\"", 70.7, "F")]
    [InlineData("21.5", ",\"unit\":\"\"", 21.5, "°C")]
    [InlineData("\"21.5 ℃\"", ",\"unit\":\"\"", 21.5, "℃")]
    public void Values_with_their_unit_and_units_that_are_empty(string value, string unit, double number, string expected)
    {
        var parser = Parser();
        Assert.True(Parse(parser, $$"""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":{{value}}{{unit}}}""") == Rejection.None, parser.Detail);
        Assert.Equal((number, expected), (parser.Reading.Value, parser.Reading.Sensor.Unit));
    }

    [Theory]
    [InlineData("\"21.5 °C\"", ",\"unit\":\"°F\"", "InvalidValue", "in another unit than \"°F\"")]
    [InlineData("\"21.5 apples\"", "", "WrongType", "Cannot read the value \"21.5 apples\"")]
    [InlineData("\"21,5\"", "", "WrongType", "with a point before its decimals")]
    public void Values_that_are_none(string value, string unit, string reason, string words)
    {
        var parser = Parser();
        Assert.Equal(reason, Parse(parser, $$"""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":{{value}}{{unit}}}""").ToString());
        Assert.Contains(words, parser.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"21.5\"", 21.5)]
    [InlineData("\" 21.5 \"", 21.5)]
    [InlineData("\"+21.5\"", 21.5)]
    [InlineData("\"-1e-3\"", -0.001)]
    [InlineData("\"0\"", 0)]
    public void Numbers_as_text(string text, double value)
    {
        var parser = Parser();
        Assert.Equal(Rejection.None, Parse(parser, Ours.Replace("21.5", text, StringComparison.Ordinal)));
        Assert.Equal(value, parser.Reading.Value);
    }

    [Theory]
    [InlineData(AlertLevel.Normal, "NORMAL", "Ok", "good", "none", "INFO")]
    [InlineData(AlertLevel.Warning, "Warning", "warn", "HIGH", "H", "medium", "minor")]
    [InlineData(AlertLevel.Critical, "CRITICAL", "Alarm", "high-high", "HiHi", "error", "major")]
    public void Alert_levels(AlertLevel level, params string[] words)
    {
        var parser = Parser();
        foreach (var word in words)
        {
            Assert.Equal(Rejection.None, Parse(parser, Ours.Replace("\"unit\"", $"\"alert_level\":\"{word}\",\"unit\"", StringComparison.Ordinal)));
            Assert.Equal((level, true), (parser.Reading.Level, parser.Reading.HasLevel));
        }
    }

    [Theory]
    [InlineData("\"Good\"", 1)]
    [InlineData("\"GoodLocalOverride\"", 1)]
    [InlineData("\"uncertain\"", 0.5)]
    [InlineData("\"Bad_SensorFailure\"", 0)]
    [InlineData("\"0.25\"", 0.25)]
    [InlineData("0.25", 0.25)]
    [InlineData("null", 1)]
    [InlineData("\"\"", 1)]
    [InlineData("\"ok\"", 1)]
    [InlineData("true", 1)]
    [InlineData("false", 0)]
    [InlineData("\"invalid\"", 0)]
    public void Qualities(string text, float quality)
    {
        var parser = Parser();
        Assert.Equal(Rejection.None, Parse(parser, Ours.Replace("\"unit\"", $"\"quality\":{text},\"unit\"", StringComparison.Ordinal)));
        Assert.Equal(quality, parser.Reading.Quality);
    }

    [Fact]
    public void Location_is_an_object_or_a_text_and_ids_may_be_numbers()
    {
        var parser = Parser();
        Assert.Equal(Rejection.None, Parse(parser, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":17,"sensor_type":"pressure","value":1013,"location":"Hall 3"}"""));
        Assert.Equal(("17", "hPa", "Hall 3", null), (parser.Reading.Sensor.Identity.Name, parser.Reading.Sensor.Unit, parser.Reading.Sensor.FactorySection, parser.Reading.Sensor.MachineId));

        Assert.Equal(Rejection.None, Parse(parser, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":17,"sensor_type":"pressure","value":1013,"location":{"factorySection":"a","machine_id":4,"zone":null}}"""));
        Assert.Equal(("a", "4", null), (parser.Reading.Sensor.FactorySection, parser.Reading.Sensor.MachineId, parser.Reading.Sensor.Zone));
    }

    [Fact]
    public void Count_sequence_and_thresholds_count_as_those_of_our_own()
    {
        var parser = Parser();
        Assert.Equal(Rejection.None, Parse(parser, """{"timestamp":1769860800,"sensor_id":"s","sensor_type":"temperature","value":1,"metadata":{"reading_count":"14","sequence_id":7,"warning_threshold":"35.5","critical_threshold":NaN}}"""));
        Assert.Equal((14L, true, 35.5, double.NaN), (parser.Reading.ReadingCount, parser.Reading.HasCount, parser.Reading.Warning, parser.Reading.Critical));
        Assert.Equal("7"u8.ToArray(), parser.Reading.Sensor.SequenceId);

        Assert.Equal(Rejection.None, Parse(parser, """{"timestamp":1769860800,"sensor_id":"s","sensor_type":"temperature","value":1,"metadata":{"reading_count":15.0}}"""));
        Assert.Equal(15L, parser.Reading.ReadingCount);
    }

    [Theory]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":1,"unit":"°C","location":{"factorySection":"a","machineId":"b","Zone":"c"}}""")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":1,"unit":"°C","location":{"factory-section":"a","MachineID":"b","zone":"c","room":7}}""")]
    public void Names_within_a_location_may_be_written_in_another_way(string message)
    {
        var parser = Parser();
        Assert.Equal(Rejection.None, Parse(parser, message));
        Assert.Equal(("a", "b", "c"), (parser.Reading.Sensor.FactorySection, parser.Reading.Sensor.MachineId, parser.Reading.Sensor.Zone));
    }

    [Fact]
    public void A_key_that_names_no_sensor_is_shown()
    {
        _key.Deserialize("""{"hall":3}"""u8, isNull: false, SerializationContext.Empty);
        var parser = Parser();
        Assert.Equal(Rejection.MissingField, Parse(parser, """{"timestamp":"2026-01-31T12:00:00Z","sensor_type":"temperature","value":1}"""));
        Assert.Contains("""and the key of its record, "{"hall":3}", names none""", parser.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s-9", "s-9")]
    [InlineData("\"s-9\"", "s-9")]
    [InlineData("""{"sensor_id":"s-9"}""", "s-9")]
    [InlineData("""{"schema":{"type":"string"},"payload":"s-9"}""", "s-9")]
    [InlineData("""{"schema":{"type":"struct"},"payload":{"deviceId":17}}""", "17")]
    public void The_key_is_the_id_of_a_message_that_has_none(string key, string id)
    {
        _key.Deserialize(Encoding.UTF8.GetBytes(key), isNull: false, SerializationContext.Empty);
        var parser = Parser();
        Assert.Equal(Rejection.None, Parse(parser, """{"timestamp":"2026-01-31T12:00:00Z","sensor_type":"temperature","value":1}"""));
        Assert.Equal(id, parser.Reading.Sensor.Identity.Name);
    }

    [Fact]
    public void The_unit_of_an_unknown_type_can_be_set()
    {
        var parser = Parser("DefaultUnit=l/min,DefaultType=flow");
        Assert.Equal(Rejection.None, Parse(parser, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","value":1}"""));
        Assert.Equal(("flow", "l/min"), (parser.Reading.Sensor.Type, parser.Reading.Sensor.Unit));
    }

    [Fact]
    public void A_message_that_is_as_agreed_is_never_mapped()
    {
        var parser = Parser("Value=other");
        Assert.Equal(Rejection.None, Parse(parser, Ours.Replace("\"unit\"", "\"other\":1,\"unit\"", StringComparison.Ordinal)));
        Assert.Equal(21.5, parser.Reading.Value);
    }

    [Fact]
    public void A_mapping_of_one_producer_leaves_the_names_of_another()
    {
        var parser = Parser("Value=Value/Value,Time=Value/SourceTimestamp,DefaultType=temperature");
        Assert.Equal(Rejection.None, Parse(parser, """{"Timestamp":"2026-01-31 12:00:00","SensorId":"s","Value":21.5}"""));
        Assert.Equal(21.5, parser.Reading.Value);
        Assert.Equal(Rejection.None, Parse(parser, """{"SensorId":"s","Value":{"Value":22.5,"SourceTimestamp":"2026-01-31T12:00:00Z"},"Location":{"Zone":"z"}}"""));
        Assert.Equal((22.5, "z"), (parser.Reading.Value, parser.Reading.Sensor.Zone));
    }

    [Fact]
    public void A_sensor_that_is_known_allocates_little()
    {
        var parser = Parser();
        var message = Encoding.UTF8.GetBytes("""{"timestamp":"2026-01-31 12:00:00.123","sensor_id":"s","sensor_type":"temperature","value":"21.5","quality":"Good"}""");
        parser.Parse(message);
        parser.Parse(message);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            parser.Parse(message);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private ReadingParser Parser(string mapping = "")
    {
        var set = mapping.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(one => one.Split('=')).ToDictionary(one => one[0], one => one[1]);
        string? Of(string key) => set.GetValueOrDefault(key);
        return new ReadingParser(_sensors, _key, new DialectReader(new MessagesOptions
        {
            Mapping = new MappingOptions
            {
                Time = Of("Time"), Id = Of("Id"), Type = Of("Type"), Value = Of("Value"), Unit = Of("Unit"), Quality = Of("Quality"),
                DefaultType = Of("DefaultType"), DefaultUnit = Of("DefaultUnit"),
            },
        }));
    }

    private static Rejection Parse(ReadingParser parser, string message) => parser.Parse(Encoding.UTF8.GetBytes(message));

    private static void AssertSame(Reading expected, Reading found)
    {
        Assert.Same(expected.Sensor, found.Sensor);
        Assert.Equal(
            (expected.Timestamp, expected.Value, expected.Quality, expected.Level, expected.HasLevel, expected.HasCount, expected.ReadingCount, expected.Warning, expected.Critical),
            (found.Timestamp, found.Value, found.Quality, found.Level, found.HasLevel, found.HasCount, found.ReadingCount, found.Warning, found.Critical));
    }
}
