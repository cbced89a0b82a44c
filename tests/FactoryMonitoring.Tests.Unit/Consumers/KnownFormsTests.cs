using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>Messages exactly as devices and platforms send them, read without any setting; and what is reported for messages that cannot be read.</summary>
public sealed class KnownFormsTests
{
    private const string At = "2026-01-31T12:00:00";

    private readonly KeyMemory _key = new();

    [Theory]
    // SenML (RFC 8428): base values, times relative to the base time, and the forms of its own examples.
    [InlineData("", """[{"bn":"urn:dev:ow:10e2073a01080063:","bt":1769860800,"bu":"Cel","n":"temperature","v":21.5},{"n":"humidity","u":"%RH","v":40},{"n":"voltage","u":"V","v":120.1,"t":-5}]""",
        "urn:dev:ow:10e2073a01080063:temperature temperature 21.5 °C 0", "urn:dev:ow:10e2073a01080063:humidity humidity 40 % 0", "urn:dev:ow:10e2073a01080063:voltage voltage 120.1 V -5")]
    [InlineData("", """[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":21.5,"t":1769860800}]""", "urn:dev:ow:10e2073a01080063 temperature 21.5 °C 0")]
    [InlineData("", """[{"bn":"m/","bt":1.7698608e9,"bv":20,"u":"Cel","v":1.5},{"t":1,"u":"Cel","v":2},{"n":"note","vs":"door open"},{"n":"door","vb":true,"t":2}]""",
        "m/ temperature 21.5 °C 0", "m/ temperature 22 °C 1", "m/door door 1 / 2")]
    // ThingsBoard: the gateway's and the rule chain's forms, with the device's name as the key or in the message.
    [InlineData("d1", """{"ts":1769860800000,"values":{"temperature":21.5,"humidity":40,"battery":91}}""", "d1-humidity humidity 40 % 0", "d1-temperature temperature 21.5 °C 0")]
    [InlineData("", """{"deviceName":"d1","deviceType":"default","ts":1769860800000,"temperature":"21.5"}""", "d1-temperature temperature 21.5 °C 0")]
    // Home Assistant's integration of Kafka.
    [InlineData("", """{"entity_id":"sensor.hall","state":"21.5","attributes":{"unit_of_measurement":"°C","device_class":"temperature"},"last_changed":"2026-01-31T11:59:00+00:00","last_updated":"2026-01-31T12:00:00+00:00","context":{}}""",
        "sensor.hall temperature 21.5 °C 0")]
    [InlineData("", """{"entity_id":"sensor.plug","state":"230","attributes":{"unit_of_measurement":"V","device_class":"voltage"},"last_changed":"2026-01-31T12:00:00+00:00"}""", "sensor.plug voltage 230 V 0")]
    // Zigbee2MQTT with last_seen.
    [InlineData("zigbee2mqtt/hall", """{"battery":91,"humidity":40,"last_seen":"2026-01-31T13:00:00+01:00","linkquality":84,"pressure":1013,"temperature":21.5}""",
        "zigbee2mqtt/hall-humidity humidity 40 % 0", "zigbee2mqtt/hall-pressure pressure 1013 hPa 0", "zigbee2mqtt/hall-temperature temperature 21.5 °C 0")]
    // Tasmota: a sensor without an id, sensors with one, units of the message.
    [InlineData("d1", """{"Time":"2026-01-31T12:00:00","AM2301":{"Temperature":71,"Humidity":40,"DewPoint":45.2},"TempUnit":"F"}""", "d1-AM2301-humidity humidity 40 % 0", "d1-AM2301-temperature temperature 71 °F 0")]
    [InlineData("d1", """{"Time":"2026-01-31T12:00:00","DS18B20-1":{"Id":"3C01","Temperature":21.5},"DS18B20-2":{"Id":"3C02","Temperature":null},"BME280":{"Temperature":22,"Pressure":760.1},"PressureUnit":"mmHg","TempUnit":"C"}""",
        "3C01-temperature temperature 21.5 °C 0", "d1-BME280-pressure pressure 760.1 mmHg 0", "d1-BME280-temperature temperature 22 °C 0")]
    // With Zigbee2MQTT's information about the device, which is no id.
    [InlineData("", """{"device":{"friendlyName":"hall","ieeeAddr":"0x01"},"last_seen":"2026-01-31T12:00:00Z","temperature":21.5}""", "hall-temperature temperature 21.5 °C 0")]
    // Arrays of these forms: ThingsBoard's own, states of Home Assistant, metrics, a batch of CloudEvents.
    [InlineData("d1", """[{"ts":1769860800000,"values":{"temperature":21.5}},{"ts":1769860801000,"values":{"temperature":22,"humidity":40}}]""",
        "d1-temperature temperature 21.5 °C 0", "d1-humidity humidity 40 % 1", "d1-temperature temperature 22 °C 1")]
    [InlineData("", """[{"entity_id":"sensor.hall","state":"21.5","attributes":{"unit_of_measurement":"°C","device_class":"temperature"},"last_updated":"2026-01-31T12:00:00+00:00"}]""", "sensor.hall temperature 21.5 °C 0")]
    [InlineData("h1", """[{"fields":{"value":21.5},"name":"temperature","tags":{},"timestamp":1769860800},{"fields":{"value":40},"name":"humidity","tags":{},"timestamp":1769860801}]""", "h1-temperature temperature 21.5 °C 0", "h1-humidity humidity 40 % 1")]
    [InlineData("", """[{"specversion":"1.0","id":"1","type":"t","source":"/hall","time":"2026-01-31T12:00:00Z","data":{"temperature":21.5}}]""", "/hall-temperature temperature 21.5 °C 0")]
    // Telegraf: one metric, and a batch.
    [InlineData("h1", """{"fields":{"value":21.5},"name":"temperature","tags":{"host":"h1"},"timestamp":1769860800}""", "h1-temperature temperature 21.5 °C 0")]
    [InlineData("", """{"metrics":[{"fields":{"temperature":21.5,"humidity":40,"ok":true},"name":"env","tags":{"sensor_id":"s"},"timestamp":1769860800},{"fields":{"temperature":22},"name":"env","tags":{"sensor_id":"t"},"timestamp":1769860800000000}]}""",
        "s-humidity humidity 40 % 0", "s-temperature temperature 21.5 °C 0", "t-temperature temperature 22 °C 0")]
    // InfluxDB's line protocol.
    [InlineData("", "temperature,device=s\\ 1,site=a value=21.5,note=\"a, b=c\" 1769860800000000000\n", "s 1-temperature temperature 21.5 °C 0")]
    [InlineData("k", "env,host=a temperature=21.5,humidity=40i,up=t 1769860800000000000\n# a comment\nenv,host=a temperature=22 1769860801000000000", "k-env-a-humidity humidity 40 % 0", "k-env-a-temperature temperature 21.5 °C 0", "k-env-a-temperature temperature 22 °C 1")]
    // AWS IoT's shadow, Azure IoT Hub, The Things Stack, ChirpStack.
    [InlineData("thing-1", """{"state":{"reported":{"temperature":21.5}},"version":3,"timestamp":1769860800}""", "thing-1-temperature temperature 21.5 °C 0")]
    [InlineData("", """{"EnqueuedTimeUtc":"2026-01-31T12:00:00.0000000Z","Properties":{},"SystemProperties":{"connectionDeviceId":"d1"},"Body":{"Temperature":21.5,"Humidity":40}}""", "d1-humidity humidity 40 % 0", "d1-temperature temperature 21.5 °C 0")]
    [InlineData("", """{"end_device_ids":{"device_id":"d1"},"received_at":"2026-01-31T12:00:00.123456789Z","uplink_message":{"decoded_payload":{"temperature":21.5}}}""", "d1-temperature temperature 21.5 °C 0.123456")]
    [InlineData("", """{"time":"2026-01-31T12:00:00+00:00","deviceInfo":{"deviceName":"d1","devEui":"0101"},"fPort":2,"object":{"temperature":21.5}}""", "d1-temperature temperature 21.5 °C 0")]
    // OPC UA PubSub's JSON (part 14).
    [InlineData("", """{"MessageId":"1","MessageType":"ua-data","PublisherId":"plc","Messages":[{"DataSetWriterId":17,"Timestamp":"2026-01-31T12:00:00Z","Payload":{"Temperature":{"Value":21.5,"SourceTimestamp":"2026-01-31T12:00:00Z"}}}]}""", "plc/17-temperature temperature 21.5 °C 0")]
    // Ecowitt's stations write numbers as texts.
    [InlineData("ws", """{"dateutc":"2026-01-31 12:00:00","tempf":"70.7","humidity":"40"}""", "ws-humidity humidity 40 % 0", "ws-temperature temperature 70.7 °F 0")]
    // What the producers of docs/messages.md write: the converter and the transforms of Kafka Connect 4.3.1, and Python's json.
    [InlineData("d1", """{"value":21.5,"sensor_id":"d1","timestamp":1769860800123,"sensor_type":"temperature"}""", "d1 temperature 21.5 °C 0.123")]
    [InlineData("d1", """{"schema":{"type":"struct","fields":[{"type":"double","optional":false,"field":"value"},{"type":"string","optional":false,"field":"sensor_id"},{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"timestamp"},{"type":"string","optional":true,"field":"sensor_type"}],"optional":false},"payload":{"value":21.5,"sensor_id":"d1","timestamp":1769860800123,"sensor_type":"temperature"}}""",
        "d1 temperature 21.5 °C 0.123")]
    [InlineData("my-1", """{"timestamp": 1769860800.25, "sensor_id": "my-1", "sensor_type": "temperature", "value": 21.5, "unit": "\u00b0C"}""", "my-1 temperature 21.5 °C 0.25")]
    // Kafka Connect with a schema, and a bare object of values by their types.
    [InlineData("d1", """{"schema":{"type":"struct"},"payload":{"ts":1769860800000,"temperature":21.5}}""", "d1-temperature temperature 21.5 °C 0")]
    [InlineData("", """{"time":"2026-01-31 12:00:00","device":"d1","temperature":21.5,"humidity":40}""", "d1-humidity humidity 40 % 0", "d1-temperature temperature 21.5 °C 0")]
    public void Are_read_without_a_mapping(string key, string message, params string[] readings)
    {
        var parser = Parser(key);

        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal(readings, Readings(parser));
        Assert.Equal(Rejection.None, Parse(parser, message));
        Assert.Equal(readings, Readings(parser));
    }

    [Theory]
    [InlineData("Temperature", "°C", "temperature °C")]
    [InlineData("TEMPERATURE", null, "temperature °C")]
    [InlineData("Humidity", null, "humidity %")]
    [InlineData("Oven", "°C", "Oven °C")]
    public void A_type_of_the_catalog_is_known_in_any_case(string type, string? unit, string expected)
    {
        var parser = Parser("");
        var message = $$"""{"timestamp":"{{At}}Z","sensor_id":"s","sensor_type":"{{type}}","value":21.5{{(unit is null ? "" : $",\"unit\":\"{unit}\"")}}}""";

        for (var time = 1; time <= 2; time++)
        {
            Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
            Assert.Equal(expected, $"{parser.Reading.Sensor.Type} {parser.Reading.Sensor.Unit}");
        }
    }

    [Theory]
    [InlineData("#N/A")]
    [InlineData("-nan(ind)")]
    [InlineData("#DIV/0!")]
    public void What_spreadsheets_and_C_write_for_no_value_is_none(string value) =>
        Assert.Equal(Rejection.NoValue, Parse(Parser(""), $$"""{"timestamp":"{{At}}Z","sensor_id":"s","sensor_type":"temperature","value":"{{value}}","unit":"°C"}"""));

    [Theory]
    // A unit next to several values belongs to an unknown one of them.
    [InlineData("d1", """{"ts":1769860800,"temperature":71,"unit":"°F"}""", "its members are ts, temperature, unit. Name the member that holds it in Consumers:Messages:Mapping:Type", "It holds numbers at temperature")]
    [InlineData("d1", """{"Time":"2026-01-31T12:00:00","A-1":{"Level":21},"A-2":{"Level":22},"TempUnit":"C"}""", "no sensor type", "It holds numbers at A-1/Level, A-2/Level: one is named as Consumers:Messages:Mapping:Value=A-1/Level, several as Consumers:Messages:Mapping:Values:{type}=A-1/Level")]
    [InlineData("d1", """{"ts":1769860800,"readings":[{"level":21},{"level":22}]}""", "no sensor type", "It holds numbers at readings/0/level, readings/1/level")]
    // An energy counter is no power.
    [InlineData("d1", """{"ts":1769860800,"energy":12.5}""", "no sensor type", "It holds numbers at energy")]
    // No time at all.
    [InlineData("zigbee2mqtt/hall", """{"temperature":21.5,"linkquality":84}""", "no time (timestamp)", "Consumers:Messages:Mapping:Time, or set Consumers:Messages:RecordTime=true")]
    // Telegraf, with neither a key nor a tag that names the sensor.
    [InlineData("", """{"fields":{"value":21.5},"name":"temperature","tags":{"host":"h1"},"timestamp":1769860800}""", "Read as Telegraf's JSON. The message has no sensor id (sensor_id), and its record no key", "Consumers:Messages:Mapping:Id")]
    [InlineData("h1", """{"fields":{"usage_idle":97.5,"usage_user":1},"name":"cpu","tags":{"host":"h1"},"timestamp":1769860800}""", "Read as Telegraf's JSON. The message has no value", "It holds numbers at fields/usage_idle, fields/usage_user")]
    [InlineData("", """[{"n":"urn:dev:ow:1","u":"Cel","v":21.5,"t":-5}]""", "Read as SenML. Element [0]: Cannot read the time \"-5 s from the sending of the pack\"", "1970")]
    [InlineData("", """{"entity_id":"sensor.hall","state":"unavailable","attributes":{"unit_of_measurement":"°C","device_class":"temperature"},"last_changed":"2026-01-31T12:00:00+00:00"}""", "Read as a state of Home Assistant. The value is \"unavailable\", which is none", "Mapping:Value")]
    [InlineData("", "cpu,sensor_id=c value=1.5", "Read as InfluxDB's line protocol. Element", "no time (timestamp)", "Consumers:Messages:RecordTime=true")]
    [InlineData("", """{"value":21.5,"unit":}""", "Cannot read the message as JSON at line 1, byte 22 (near .5,\"unit\":}): it must be one JSON object")]
    [InlineData("", "{\n\"value\":21.5", "Cannot read the message as JSON at line 2, byte 13 (where it ends)")]
    [InlineData("", "nan", "The message is nan alone, which is no value")]
    [InlineData("", """{"value":21.5}""", "no time (timestamp)", "CloudEvents in binary mode do, set Consumers:Messages:CloudEventHeaders=true")]
    [InlineData("d1", """{"ts":1769860800,"data":{"items":[{"level":21},{"level":22}]}}""", "where each element of data/items is a reading, set Consumers:Messages:Mapping:Readings=data/items")]
    public void Else_it_is_said_what_was_found_and_which_setting_maps_it(string key, string message, params string[] words)
    {
        var parser = Parser(key);

        Assert.NotEqual(Rejection.None, Parse(parser, message));
        foreach (var word in words)
        {
            Assert.Contains(word, parser.Detail, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""[{"bn":"a","bt":7e28,"t":7e28,"v":1}]""")]
    [InlineData("""[{"bn":"a","bv":7e28,"t":1769860800,"v":7e28}]""")]
    [InlineData("""[{"bn":"a","bt":-7e28,"t":-7e28,"v":1}]""")]
    [InlineData("""[{"bn":"\ud800","t":1769860800,"v":1}]""")]
    [InlineData("""[{"\ud800":1,"bn":"a","v":1}]""")]
    [InlineData("""{"\ud800":{"x":1},"ts":1769860800}""")]
    [InlineData("""{"name":"\ud800","timestamp":1,"fields":{"value":1},"tags":{"\ud800":"a"}}""")]
    [InlineData("""{"entity_id":"\ud800","state":"1","attributes":{"device_class":"\ud800"}}""")]
    [InlineData("a,b=\\ c=\"\\ 1 1")]
    [InlineData("a b=1e999 1")]
    [InlineData("=,=,= =\"=\" 1")]
    [InlineData("a b=i 1")]
    public void What_is_hostile_is_rejected_and_ends_nothing(string message) => Assert.NotEqual(Rejection.None, Parse(Parser("k"), message));

    [Fact]
    public void No_bytes_that_are_changed_on_their_way_end_anything()
    {
        string[] messages =
        [
            """[{"bn":"urn:dev:","bt":1769860800,"bu":"Cel","bv":1.5,"n":"temperature","v":21.5},{"n":"door","vb":true,"t":-5}]""",
            """{"metrics":[{"fields":{"temperature":21.5,"ok":true},"name":"env","tags":{"sensor_id":"s\u00e9"},"timestamp":1769860800}]}""",
            "env,host=a\\ b temperature=21.5,humidity=40i,up=t,note=\"x=1, y\" 1769860800000000000\n# a comment\nenv,host=a temperature=22 1769860801000000000",
            """{"entity_id":"sensor.hall","state":"21.5","attributes":{"unit_of_measurement":"°C","device_class":"temperature"},"last_updated":"2026-01-31T12:00:00+00:00"}""",
            """{"MessageType":"ua-data","Messages":[{"DataSetWriterId":17,"Timestamp":"2026-01-31T12:00:00Z","Payload":{"Temperature":{"Value":21.5}}}]}""",
            """{"schema":{"type":"struct"},"payload":{"ts":1769860800000,"values":{"temperature":21.5}}}""",
            """{"src":"m","method":"NotifyStatus","params":{"ts":1769860800.5,"em:0":{"id":0,"a_voltage":230,"total_act_power":500},"temperature:0":{"tC":21.5,"tF":70.7}}}""",
            """{"mac":"B4","unixtime":1769860800,"tmp":{"tC":21.5},"hum":{"value":40},"ext_temperature":{"0":{"tC":3}},"meters":[{"power":12.5}]}""",
            """{"entries":[{"propertyAlias":"/a/temperature","propertyValues":[{"value":{"doubleValue":21.5},"timestamp":{"timeInSeconds":1769860800,"offsetInNanos":5},"quality":"GOOD"}]}]}""",
            """{"subscriptionId":"s","notifiedAt":"2026-01-31T12:00:00Z","data":[{"id":"R","type":"Room","temperature":{"value":21.5,"type":"Number","unitCode":"CEL","metadata":{"TimeInstant":{"value":"2026-01-31T12:00:00Z"}}}}]}""",
            """{"MessageType":"ua-data","PublisherId":7,"Messages":{"DataSetWriterName":"w","Timestamp":"2026-01-31T12:00:01Z","Payload":{"T_C":{"Value":{"Type":11,"Body":21.5},"StatusCode":{"Code":0}}}}}""",
            """{"Time":"2026-01-31T12:00:00","DS-1":{"Temperature":21.5},"DS-2":{"Temperature":22,"Id":"a"},"ENERGY":{"Power":12,"Total":[1,2]},"TempUnit":"C"}""",
            """{"EnqueuedTimeUtc":"2026-01-31T12:00:00Z","SystemProperties":{"connectionDeviceId":"d1"},"Body":"{\"temperature_C\":21.5,\"co2\":{\"value\":1,\"unit\":\"ppm\"}}"}""",
            "\"{\\\"ts\\\":1769860800,\\\"temperature\\\":21.5}\"",
        ];
        var random = new Random(20261128);
        var parser = Parser("k");
        foreach (var message in messages)
        {
            for (var n = 0; n < 5_000; n++)
            {
                var bytes = Encoding.UTF8.GetBytes(message);
                for (var changes = random.Next(1, 6); changes > 0; changes--)
                {
                    // Bytes with a meaning in the format are more frequent than others.
                    bytes[random.Next(bytes.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : bytes[random.Next(bytes.Length)];
                }

                Assert.True(parser.Parse(bytes) == Rejection.None || parser.Detail.Length > 0, message);
            }
        }
    }

    [Fact]
    public void Nothing_is_looked_for_where_the_settings_say_where_values_are()
    {
        var parser = new ReadingParser(new SensorDirectory(100), _key, new DialectReader(new MessagesOptions { Mapping = new MappingOptions { Value = "t", DefaultType = "temperature" } }));
        _key.Deserialize("k"u8, isNull: false, SerializationContext.Empty);

        Assert.Equal(Rejection.NoValue, Parse(parser, """{"ts":1769860800,"temperature":21.5}"""));
    }

    [Theory]
    [InlineData("""{"temperature":21.5,"linkquality":84}""", PostgresTime.OfRecord)]
    [InlineData("""{"sensor_id":"s","sensor_type":"temperature","value":21.5,"timestamp":null}""", PostgresTime.OfRecord)]
    [InlineData("""{"sensor_id":"s","sensor_type":"temperature","value":21.5,"timestamp":"2000-01-01T00:00:01Z"}""", 1_000_000)]
    public void A_message_without_a_time_has_that_of_its_record_where_the_settings_say_so(string message, long timestamp)
    {
        var parser = new ReadingParser(new SensorDirectory(100), _key, new DialectReader(new MessagesOptions { RecordTime = true }));
        _key.Deserialize("k"u8, isNull: false, SerializationContext.Empty);

        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal(timestamp, parser.Reading.Timestamp);
    }

    private ReadingParser Parser(string key)
    {
        _key.Deserialize(Encoding.UTF8.GetBytes(key), isNull: false, SerializationContext.Empty);
        return new ReadingParser(new SensorDirectory(100), _key, new DialectReader(new MessagesOptions()));
    }

    private static Rejection Parse(ReadingParser parser, string message) => parser.Parse(Encoding.UTF8.GetBytes(message));

    private static List<string> Readings(ReadingParser parser) => [.. (parser.Several.IsEmpty ? [parser.Reading] : parser.Several.ToArray()).Select(reading => string.Create(
        CultureInfo.InvariantCulture,
        $"{reading.Sensor.Identity.Name} {reading.Sensor.Type} {reading.Value} {reading.Sensor.Unit} {(PostgresTime.ToUtc(reading.Timestamp) - DateTime.Parse(At, CultureInfo.InvariantCulture)).TotalSeconds}"))];
}
