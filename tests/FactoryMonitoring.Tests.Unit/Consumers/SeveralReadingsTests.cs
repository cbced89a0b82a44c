using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>Messages that contain several readings.</summary>
public sealed class SeveralReadingsTests
{
    private const string Ours = """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21.5,"unit":"°C"}""";

    private static readonly MappingOptions Climate = new()
    {
        Values = new() { ["temperature"] = "temp|data/temp", ["humidity"] = "hum", ["co2"] = "air/co2" }, Units = new() { ["co2"] = "ppm" },
    };

    private readonly KeyMemory _key = new();

    /// <summary>The name; the message; the readings that it contains, each as time, sensor, type, value and unit.</summary>
    public static TheoryData<string, string, string[]> Messages => new()
    {
        {
            "an array of readings in forms of several producers",
            $$"""[{{Ours}}, {"ts":1769860801,"device":"t","sensor_type":"humidity","value":"40"}, {"schema":null,"payload":{"time":"2026-01-31 12:00:02","sensorId":7,"sensor_type":"pressure","value":1013} }]""",
            ["12:00:00 s temperature 21.5 °C", "12:00:01 t humidity 40 %", "12:00:02 7 pressure 1013 hPa"]
        },
        {
            "readings that were kept back, without an id of their own",
            """[{"time":"2026-01-31T12:00:00Z","sensor_type":"temperature","value":1},{"time":"2026-01-31T12:00:01Z","sensor_type":"temperature","value":2}]""",
            ["12:00:00 key temperature 1 °C", "12:00:01 key temperature 2 °C"]
        },
        {
            "a batch of CloudEvents",
            """[{"specversion":"1.0","id":"1","type":"t","source":"a","time":"2026-01-31T12:00:00Z","data":{"sensor_type":"temperature","value":1}},{"specversion":"1.0","id":"2","type":"t","source":"b","time":"2026-01-31T12:00:01Z","data":{"sensor_type":"temperature","value":2}}]""",
            ["12:00:00 a temperature 1 °C", "12:00:01 b temperature 2 °C"]
        },
        {
            "a CloudEvent whose data is an array",
            """{"specversion":"1.0","id":"1","type":"t","source":"a","time":"2026-01-31T12:00:00Z","data":[{"sensor_type":"temperature","value":1},{"sensor_type":"humidity","value":2,"sensor_id":"own","ts":1769860809}]}""",
            ["12:00:00 a temperature 1 °C", "12:00:09 own humidity 2 %"]
        },
        {
            "Kafka Connect's envelope around an array as text",
            """{"schema":{"type":"string"},"payload":"[{\"ts\":1769860800,\"sensor_id\":\"a\",\"sensor_type\":\"temperature\",\"value\":1},{\"ts\":1769860801,\"sensor_id\":\"a\",\"sensor_type\":\"temperature\",\"value\":2}]"}""",
            ["12:00:00 a temperature 1 °C", "12:00:01 a temperature 2 °C"]
        },
        {
            "several values of one object",
            """{"ts":1769860800,"device":"d1","temp":21.5,"hum":"40","air":{"co2":417},"battery":91}""",
            ["12:00:00 d1-co2 co2 417 ppm", "12:00:00 d1-humidity humidity 40 %", "12:00:00 d1-temperature temperature 21.5 °C"]
        },
        {
            "those that are no words for a missing value",
            """{"ts":1769860800,"device":"d1","data":{"temp":21.5},"hum":"unavailable","air":{"co2":"n/a"}}""",
            ["12:00:00 d1-temperature temperature 21.5 °C"]
        },
        {
            "those that are no bare words for a missing value",
            """{"ts":1769860800,"device":"d1","data":{"temp":nan},"hum":40,"air":{"co2":-inf}}""",
            ["12:00:00 d1-humidity humidity 40 %"]
        },
        {
            "those that it has",
            """{"ts":1769860800,"device":"d1","data":{"temp":21.5},"hum":null}""",
            ["12:00:00 d1-temperature temperature 21.5 °C"]
        },
        {
            "an array of objects of several values",
            """[{"ts":1769860800,"temp":1,"hum":2},{"ts":1769860801,"temp":3,"hum":4}]""",
            ["12:00:00 key-humidity humidity 2 %", "12:00:00 key-temperature temperature 1 °C", "12:00:01 key-humidity humidity 4 %", "12:00:01 key-temperature temperature 3 °C"]
        },
        {
            "an object without any of them, and a unit and a level beside them",
            """[{"ts":1769860800,"device":"d1","sensor_type":"flow","value":3,"unit":"l/min"},{"ts":1769860801,"device":"d1","temp":4,"hum":5,"unit":"K","alert_level":"purple"}]""",
            ["12:00:00 d1 flow 3 l/min", "12:00:01 d1-humidity humidity 5 %", "12:00:01 d1-temperature temperature 4 °C"]
        },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void Each_is_read_in_the_order_of_the_message(string what, string message, string[] readings)
    {
        _key.Deserialize("key"u8, isNull: false, SerializationContext.Empty);
        var parser = Parser(Climate);
        for (var i = 0; i < 2; i++)
        {
            Assert.True(Parse(parser, message) == Rejection.None, $"{what}: {parser.Detail}");
            Assert.Equal(readings, Found(parser));
        }
    }

    /// <summary>Tests the mappings in docs/messages.md.</summary>
    [Theory]
    [InlineData("Tasmota", "Values:temperature=AM2301/Temperature,Values:humidity=AM2301/Humidity", """{"Time":"2026-01-31T12:00:00","AM2301":{"Temperature":21.5,"Humidity":40,"DewPoint":7.3},"TempUnit":"C"}""", "key-humidity humidity 40 %", "key-temperature temperature 21.5 °C")]
    [InlineData("Sparkplug B", "Readings=metrics,Type=name", """{"timestamp":1769860800999,"metrics":[{"name":"temperature","timestamp":1769860800000,"dataType":"Double","value":21.5},{"name":"humidity","timestamp":1769860800000,"dataType":"Double","value":40}],"seq":7}""", "key-temperature temperature 21.5 °C", "key-humidity humidity 40 %")]
    [InlineData("ThingsBoard", "Id=deviceName,Values:temperature=values/temperature,Values:humidity=values/humidity", """{"deviceName":"s-1","ts":1769860800000,"values":{"temperature":21.5,"humidity":40}}""", "s-1-humidity humidity 40 %", "s-1-temperature temperature 21.5 °C")]
    [InlineData("Zigbee2MQTT", "Time=last_seen,Id=device/friendlyName,Values:temperature=temperature,Values:humidity=humidity", """{"battery":91,"device":{"friendlyName":"s-1"},"humidity":40,"last_seen":"2026-01-31T13:00:00+01:00","linkquality":84,"temperature":21.5}""", "s-1-humidity humidity 40 %", "s-1-temperature temperature 21.5 °C")]
    [InlineData("Telegraf", "Id=tags/host,Values:temperature=fields/temp,Values:load=fields/load1,Units:load=1", """{"fields":{"temp":21.5,"load1":0.5},"name":"system","tags":{"host":"gw-1"},"timestamp":1769860800000000}""", "gw-1-load load 0.5 1", "gw-1-temperature temperature 21.5 °C")]
    [InlineData("Telegraf, one sensor for each room", "Id=tags/room", """{"fields":{"value":21.5},"name":"temperature","tags":{"host":"h","room":"hall"},"timestamp":1769860800}""", "hall-temperature temperature 21.5 °C")]
    [InlineData("Dragino by ChirpStack", "Id=deviceInfo/deviceName,Values:temperature=object/TempC_SHT|object/TempC1,Values:humidity=object/Hum_SHT", """{"time":"2026-01-31T12:00:00Z","deviceInfo":{"deviceName":"d1"},"object":{"TempC_SHT":21.5,"Hum_SHT":45}}""", "d1-humidity humidity 45 %", "d1-temperature temperature 21.5 °C")]
    [InlineData("Kepware's IoT Gateway", "Readings=values,Id=id,Value=v,Time=t,Quality=q,DefaultType=level,DefaultUnit=m", """{"timestamp":1769860800999,"values":[{"id":"Channel1.Device1.Tag1","v":42,"q":true,"t":1769860800000}]}""", "Channel1.Device1.Tag1 level 42 m")]
    [InlineData("ThingsBoard's gateway, one device", "Readings=Device A,Values:temperature=values/temperature", """{"Device A":[{"ts":1769860800000,"values":{"temperature":21.5}}]}""", "key-temperature temperature 21.5 °C")]
    public void Messages_of_several_producers(string producer, string mapping, string message, params string[] readings)
    {
        _key.Deserialize("key"u8, isNull: false, SerializationContext.Empty);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(mapping.Split(',').Select(one => one.Split('='))
            .Select(one => KeyValuePair.Create($"Consumers:Messages:Mapping:{one[0]}", (string?)one[1]))).Build();
        var options = configuration.GetSection(MessagesOptions.Section).Get<MessagesOptions>()!;
        Assert.True(new MessagesOptionsValidator(configuration).Validate(null, options).Succeeded);
        var parser = Parser(options.Mapping);

        Assert.True(Parse(parser, message) == Rejection.None, $"{producer}: {parser.Detail}");
        Assert.Equal(readings.Select(reading => $"12:00:00 {reading}"), Found(parser));
    }

    [Theory]
    [InlineData("""{"device":"d1","ts":1769860800,"type":"temperature","readings":[{"v":1},{"v":2,"ts":1769860801},{"v":3,"type":"humidity","device":"own"}]}""")]
    [InlineData("""{"readings":[{"v":1},{"v":2,"ts":1769860801},{"v":3,"type":"humidity","device":"own"}],"device":"d1","ts":1769860800,"type":"temperature","v":99,"alert_level":"red"}""")]
    [InlineData("""[{"device":"d1","ts":1769860800,"type":"temperature","readings":[{"v":1}]},{"ts":1769860801,"device":"d1","type":"temperature","v":2},{"ts":1769860800,"readings":[{"v":3,"type":"humidity","device":"own"}]}]""")]
    public void An_array_that_the_settings_name_holds_readings_which_share_what_stands_around_it(string message)
    {
        var parser = Parser(new MappingOptions { Readings = "readings", Value = "v", Type = "type" });

        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal(["12:00:00 d1 temperature 1 °C", "12:00:01 d1 temperature 2 °C", "12:00:00 own humidity 3 %"], Found(parser));
        Assert.All(parser.Several.ToArray(), reading => Assert.False(reading.HasLevel));
    }

    [Fact]
    public void Escaped_text_of_an_element_and_of_what_is_around_it_is_read_where_it_stands()
    {
        var parser = Parser(new MappingOptions { Readings = "a/readings" });

        Assert.True(Parse(parser, """{"device":"d\u0031","a":{"x":"\"","readings":[{"ts":1769860800,"sensor_type":"temperature","value":1},{"ts":1769860800,"sensor_type":"flow","unit":"l\u002fmin","value":2}]}}""") == Rejection.None, parser.Detail);
        Assert.Equal(["12:00:00 d1-temperature temperature 1 °C", "12:00:00 d1-flow flow 2 l/min"], Found(parser));
    }

    [Theory]
    [InlineData("""{"device":"d1","ts":1769860800,"readings":[]}""", "empty", "The array of readings is empty: it must hold one at least")]
    [InlineData("""{"device":"d1","ts":1769860800,"readings":[{"value":1,"sensor_type":"temperature"},3]}""", "malformed_json", "Element [1]: It is a number: it must be a JSON object")]
    [InlineData("""{"device":"d1","ts":1769860800,"value":7,"readings":[{"value":1,"sensor_type":"temperature"},{"sensor_type":"temperature"}]}""", "no_value", "Element [1]: It has no value: its members are sensor_type. Name the member that holds it in Consumers:Messages:Mapping:Value")]
    [InlineData("""[{"device":"d1","ts":1769860800,"readings":[{"value":1,"sensor_type":"temperature"}]},{"device":"d1","ts":1769860800,"readings":[{"value":1,"sensor_type":"temperature"},{"value":"hot","sensor_type":"temperature"}]}]""", "wrong_type", "Element [1][1]: Cannot read the value \"hot\": it must be a number, or a number as text with a point before its decimals. Where another member holds it, name that in Consumers:Messages:Mapping:Value")]
    [InlineData("""[{"device":"d1","ts":1769860800,"readings":[{"value":1,"sensor_type":"temperature"}]},{"device":"d1","ts":1769860800,"readings":[]}]""", "empty", "Element [1]: The array of readings is empty: it must hold one at least")]
    [InlineData("""{"ts":1769860800,"device":"d1","temp":null,"hum":"unavailable"}""", "no_value", "The value of humidity is \"unavailable\", which is none: it must be a finite number. Where another member holds it, name that in Consumers:Messages:Mapping:Values:humidity")]
    [InlineData("""{"ts":1769860800,"device":"d1","temp":21.5,"hum":{}}""", "wrong_type", "Cannot read the value of humidity an object: it must be a number, or a number as text with a point before its decimals. Where another member holds it, name that in Consumers:Messages:Mapping:Values:humidity")]
    [InlineData("""{"ts":1769860800,"temp":21.5,"hum":40}""", "missing_field", "The message has no sensor id (sensor_id), and its record no key: its members are ts, temp, hum. Name the member that holds it in Consumers:Messages:Mapping:Id")]
    public void What_is_wrong_is_told_with_the_element_and_the_value(string message, string reason, string detail)
    {
        var parser = Parser(new MappingOptions { Readings = "readings", Values = new() { ["temperature"] = "temp", ["humidity"] = "hum" } });
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal((reason, detail), (Rejections.NameOf(Parse(parser, message)), parser.Detail));
        }
    }

    [Fact]
    public void The_id_of_a_value_has_as_many_characters_as_any_id_at_most()
    {
        var parser = Parser(Climate);
        string Message(int length) => $$"""{"ts":1769860800,"device":"{{new string('Ж', length)}}","temp":1,"air":{"co2":2} }""";

        Assert.Equal(Rejection.None, Parse(parser, Message(243)));
        Assert.Equal(255, parser.Several[1].Sensor.Identity.Name.Length);
        Assert.Equal(Rejection.TooLong, Parse(parser, Message(244)));
        Assert.EndsWith("it has 256 characters, 255 are allowed", parser.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void The_rejected_element_names_sensor_sequence_and_number()
    {
        var parser = Parser();
        Assert.Equal(Rejection.NoValue, Parse(parser, $$"""[{{Ours}},{"sensorId":7,"ts":1,"value":NaN,"sensor_type":"temperature","metadata":{"reading_count":"12","sequence_id":3} },{{Ours}}]"""));
        Assert.Equal(("7", "3", 12L), (parser.SensorId, parser.SequenceId, parser.ReadingCount));
        Assert.StartsWith("Element [1]: ", parser.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_holds_5000_readings_at_most()
    {
        var parser = Parser(new MappingOptions { Readings = "r", DefaultType = "temperature" });
        string Message(int count) => $$"""{"ts":1769860800,"device":"d","r":[{{string.Join(',', Enumerable.Repeat("{\"val\":1}", count))}}]}""";

        Assert.Equal(Rejection.None, Parse(parser, Message(5_000)));
        Assert.Equal(5_000, parser.Several.Length);
        Assert.Equal(Rejection.Oversized, Parse(parser, Message(5_001)));
        Assert.Equal("Element [5000]: The message holds more than 5000 readings, which are allowed", parser.Detail);
    }

    [Fact]
    public void A_message_of_one_reading_leaves_nothing_of_the_one_before()
    {
        var parser = Parser();
        Assert.Equal(Rejection.None, Parse(parser, $"[{Ours},{Ours}]"));
        Assert.Equal(2, parser.Several.Length);
        foreach (var one in new[] { Ours, Ours, $"[{Ours}]" })
        {
            Assert.Equal(Rejection.None, Parse(parser, one));
            Assert.True(parser.Several.IsEmpty);
            Assert.Equal((0, 21.5), (parser.Reading.Index, parser.Reading.Value));
        }
    }

    [Fact]
    public void Sensors_that_are_known_allocate_little()
    {
        var parser = Parser(Climate);
        var message = Encoding.UTF8.GetBytes("""[{"ts":1769860800,"device":"d1","temp":21.5,"hum":40},{"ts":1769860800,"device":"d1","sensor_type":"temperature","value":1}]""");
        parser.Parse(message);
        parser.Parse(message);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            parser.Parse(message);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private ReadingParser Parser(MappingOptions? mapping = null) =>
        new(new SensorDirectory(10_000), _key, new DialectReader(new MessagesOptions { Mapping = mapping ?? new MappingOptions() }));

    private static Rejection Parse(ReadingParser parser, string message) => parser.Parse(Encoding.UTF8.GetBytes(message));

    private static IEnumerable<string> Found(ReadingParser parser)
    {
        Reading[] readings = parser.Several.IsEmpty ? [parser.Reading] : parser.Several.ToArray();
        Assert.Equal(Enumerable.Range(0, readings.Length), readings.Select(reading => reading.Index));
        return readings.Select(reading => string.Create(CultureInfo.InvariantCulture,
            $"{PostgresTime.ToUtc(reading.Timestamp):HH:mm:ss} {reading.Sensor.Identity.Name} {reading.Sensor.Type} {reading.Value} {reading.Sensor.Unit}"));
    }
}
