using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>The reason of a dead letter says what was found, what is allowed, and which setting to change.</summary>
public sealed class RejectionTests
{
    private const string Time = "\"timestamp\":\"2026-01-31T12:00:00Z\",";
    private const string Rest = "\"sensor_id\":\"s\",\"sensor_type\":\"temperature\",";

    private readonly ReadingParser _parser = new(new SensorDirectory(100), new KeyMemory(), new DialectReader(new MessagesOptions()));

    public static TheoryData<string, string, string> Rejected => new()
    {
        { "", "empty", "The message is empty: it must be one JSON object" },
        { "[1]", "malformed_json", "Element [0]: It is a number: it must be a JSON object" },
        { "[]", "empty", "The array of readings is empty: it must hold one at least" },
        { "[[{}]]", "malformed_json", "Element [0]: It is an array: it must be a JSON object" },
        { $$"""[{{{Time}}{{Rest}}"value":1},{"value":2}]""", "missing_field", "Element [1]: It has no time (timestamp): its members are value. Name the member that holds it in Consumers:Messages:Mapping:Time, or set Consumers:Messages:RecordTime=true: the time of the record counts then" },
        { $$"""[{{{Time}}{{Rest}}"value":1},{{{Time}}{{Rest}}"value":"hot"},{"value":2}]""", "wrong_type", "Element [1]: Cannot read the value \"hot\": it must be a number, or a number as text with a point before its decimals. Where another member holds it, name that in Consumers:Messages:Mapping:Value" },
        { $$"""[{{{Time}}{{Rest}}"value":1},{{{Time}}"sensor_id":"a\u0000b","sensor_type":"temperature","value":1}]""", "invalid_text", "Element [1]: Cannot store the sensor id: it must be valid UTF-8 without NUL characters" },
        { "[{}] {}", "malformed_json", "Cannot read the message as JSON at line 1, byte 6 (near [{}] {}): it must be one JSON object in UTF-8" },
        { "21.5", "missing_field", "The message is the number 21.5 alone, and has no time: set Consumers:Messages:RecordTime=true, and that of its record counts; no sensor id: send it with that as the record's key; no sensor type: set Consumers:Messages:Mapping:DefaultType, or end the key with a type, as hall/temperature" },
        { "\"21.5\"", "missing_field", "The message is the number 21.5 alone, and has no time: set Consumers:Messages:RecordTime=true, and that of its record counts; no sensor id: send it with that as the record's key; no sensor type: set Consumers:Messages:Mapping:DefaultType, or end the key with a type, as hall/temperature" },
        { "[NaN]", "malformed_json", "Element [0]: It is a text: it must be a JSON object" },
        { "no json", "malformed_json", "Cannot read the message as JSON at line 1, byte 2 (near no json): it must be one JSON object in UTF-8" },
        { "{\"value\":NaN} {}", "malformed_json", "Cannot read the message as JSON at line 1, byte 17 (near e\":\"NaN\"} {}): it must be one JSON object in UTF-8" },
        { "\0\0\0\0\u0007\u0002s", "malformed_json", "The message begins with a zero byte, as Avro and Protobuf of a Schema Registry do: it must be one JSON object in UTF-8. Avro is read where Consumers:Messages:SchemaRegistry:Url names the registry" },
        { "{\"schema\":{},\"payload\":21.5}", "malformed_json", "The payload of Kafka Connect's envelope is 21.5: it must be a JSON object, or an array of objects" },
        { "{\"specversion\":\"1.0\",\"id\":\"1\"}", "malformed_json", "The data of the CloudEvent is missing: it must be a JSON object, or an array of objects" },
        { "{}", "missing_field", "The message has no time (timestamp): it has no members. Name the member that holds it in Consumers:Messages:Mapping:Time, or set Consumers:Messages:RecordTime=true: the time of the record counts then. Where its record's headers hold both, as those of CloudEvents in binary mode do, set Consumers:Messages:CloudEventHeaders=true" },
        { $$"""{"when":5,{{Rest}}"value":1}""", "missing_field", "The message has no time (timestamp): its members are when, sensor_id, sensor_type, value. Name the member that holds it in Consumers:Messages:Mapping:Time, or set Consumers:Messages:RecordTime=true: the time of the record counts then" },
        { $$"""{{{Time}}"name":"s","sensor_type":"temperature","value":1}""", "missing_field", "The message has no sensor id (sensor_id), and its record no key: its members are timestamp, name, sensor_type, value. Name the member that holds it in Consumers:Messages:Mapping:Id" },
        { $$"""{{{Time}}"sensor_id":"s","kind":"temperature","value":1}""", "missing_field", "The message has no sensor type (sensor_type): its members are timestamp, sensor_id, kind, value. Name the member that holds it in Consumers:Messages:Mapping:Type, or set Consumers:Messages:Mapping:DefaultType" },
        { $$"""{{{Time}}"sensor_id":"s","sensor_type":"flow","value":1}""", "missing_field", "The message has no unit, and its type \"flow\" has none of its own (as energy, humidity, pressure, temperature, vibration have): its members are timestamp, sensor_id, sensor_type, value. Name the member that holds it in Consumers:Messages:Mapping:Unit, or set Consumers:Messages:Mapping:DefaultUnit" },
        { $$"""{{{Time}}{{Rest}}"temp":21.5}""", "no_value", "The message has no value: its members are timestamp, sensor_id, sensor_type, temp. Name the member that holds it in Consumers:Messages:Mapping:Value. It holds numbers at temp" },
        { $$"""{{{Time}}{{Rest}}"value":null}""", "no_value", "The value is null, which is none: it must be a finite number. Where another member holds it, name that in Consumers:Messages:Mapping:Value" },
        { $$"""{{{Time}}{{Rest}}"value":NaN}""", "no_value", "The value is \"NaN\", which is none: it must be a finite number. Where another member holds it, name that in Consumers:Messages:Mapping:Value" },
        { $$"""{{{Time}}{{Rest}}"value":-Infinity}""", "no_value", "The value is \"-Infinity\", which is none: it must be a finite number. Where another member holds it, name that in Consumers:Messages:Mapping:Value" },
        { $$"""{{{Time}}{{Rest}}"value":"unavailable"}""", "no_value", "The value is \"unavailable\", which is none: it must be a finite number. Where another member holds it, name that in Consumers:Messages:Mapping:Value" },
        { $$"""{{{Time}}{{Rest}}"value":""}""", "no_value", "The value is \"\", which is none: it must be a finite number. Where another member holds it, name that in Consumers:Messages:Mapping:Value" },
        { $$"""{{{Time}}{{Rest}}"value":"21,5"}""", "wrong_type", "Cannot read the value \"21,5\": it must be a number, or a number as text with a point before its decimals. Where another member holds it, name that in Consumers:Messages:Mapping:Value" },
        { $$"""{{{Time}}{{Rest}}"value":true}""", "wrong_type", "Cannot read the value true: it must be a number, or a number as text with a point before its decimals. Where another member holds it, name that in Consumers:Messages:Mapping:Value" },
        { $$"""{{{Time}}{{Rest}}"value":{"v":1} }""", "wrong_type", "Cannot read the value an object: it must be a number, or a number as text with a point before its decimals. Where another member holds it, name that in Consumers:Messages:Mapping:Value" },
        { $$"""{{{Time}}{{Rest}}"value":"1e999"}""", "invalid_value", "Cannot take the value \"1e999\": it is beyond a double, 1.7976931348623157E+308 is the most" },
        { $$"""{"timestamp":"31.01.2026 12:00",{{Rest}}"value":1}""", "invalid_timestamp", "Cannot read the time \"31.01.2026 12:00\": no setting reads this form. Send it as 2026-01-31T23:59:59.123Z, or as seconds, milliseconds, microseconds or nanoseconds since 1970. Where another member holds it, name that in Consumers:Messages:Mapping:Time" },
        { $$"""{"timestamp":[2026,1,31],{{Rest}}"value":1}""", "wrong_type", "Cannot read the time an array: it must be text or a number. Where another member holds it, name that in Consumers:Messages:Mapping:Time" },
        { $$"""{{{Time}}"sensor_id":"","sensor_type":"temperature","value":1}""", "missing_field", "The sensor id is empty: it must have 1 to 255 characters. Where another member holds it, name that in Consumers:Messages:Mapping:Id" },
        { $$"""{{{Time}}"sensor_id":true,"sensor_type":"temperature","value":1}""", "wrong_type", "Cannot read the sensor id true: it must be text or a number. Where another member holds it, name that in Consumers:Messages:Mapping:Id" },
        { $$"""{{{Time}}"sensor_id":"a\u0000b","sensor_type":"temperature","value":1}""", "invalid_text", "Cannot store the sensor id: it must be valid UTF-8 without NUL characters" },
        { $$"""{{{Time}}"sensor_id":"a\ud800b","sensor_type":"temperature","value":1}""", "invalid_text", "Cannot read the message's text: it must be valid UTF-8, without halves of surrogate pairs" },
        { $$"""{{{Time}}{{Rest}}"value":1,"unit":"a unit of more than thirty-two letters"}""", "too_long", "Cannot take the unit \"a unit of more than thirty-two letters\": it has 38 characters, 32 are allowed" },
        { $$"""{{{Time}}{{Rest}}"value":1,"unit":5}""", "wrong_type", "Cannot read the unit 5: it must be text. Where another member holds it, name that in Consumers:Messages:Mapping:Unit" },
        { $$"""{{{Time}}{{Rest}}"value":1,"alert_level":"purple"}""", "invalid_alert_level", "Cannot read the alert level \"purple\": it must be normal, warning or critical, or a usual word for these (ok, none; warn, high, medium; alarm, error). Numbers, true, false and low mean one thing here and another there. Without a level the thresholds decide. Where another member holds it, name that in Consumers:Messages:Mapping:AlertLevel" },
        { $$"""{{{Time}}{{Rest}}"value":1,"alert_level":2}""", "invalid_alert_level", "Cannot read the alert level 2: it must be normal, warning or critical, or a usual word for these (ok, none; warn, high, medium; alarm, error). Numbers, true, false and low mean one thing here and another there. Without a level the thresholds decide. Where another member holds it, name that in Consumers:Messages:Mapping:AlertLevel" },
        { $$"""{{{Time}}{{Rest}}"value":1,"quality":"fair"}""", "wrong_type", "Cannot read the quality \"fair\": it must be a number (1 is good, 0 is bad), or Good, Uncertain or Bad, or true or false. Where another member holds it, name that in Consumers:Messages:Mapping:Quality" },
        { $$"""{{{Time}}{{Rest}}"value":1,"quality":NaN}""", "invalid_value", "Cannot take the quality \"NaN\": it is beyond a float, 1 is good and 0 is bad" },
        { $$"""{{{Time}}{{Rest}}"value":1,"location":[52.5,13.4]}""", "wrong_type", "Cannot read the factory section an array: it must be text or a number. Where another member holds it, name that in Consumers:Messages:Mapping:Section" },
        { $$"""{{{Time}}{{Rest}}"value":1,"metadata":{"reading_count":1.5} }""", "wrong_type", "Cannot read the reading count 1.5: it must be a whole number. Where another member holds it, name that in Consumers:Messages:Mapping:ReadingCount" },
        { $$"""{{{Time}}{{Rest}}"value":1,"metadata":{"warning_threshold":"hot"} }""", "wrong_type", "Cannot read the warning threshold \"hot\": it must be a number, or a number as text with a point before its decimals" },
    };

    [Theory]
    [MemberData(nameof(Rejected))]
    public void Each_is_told_in_words(string message, string reason, string detail)
    {
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal((reason, detail), (Rejections.NameOf(_parser.Parse(Encoding.UTF8.GetBytes(message))), _parser.Detail));
        }
    }

    [Fact]
    public void A_message_of_more_than_64_KiB_is_not_looked_into()
    {
        var message = $$"""{{{Time}}{{Rest}}"value":NaN,"padding":"{{new string('x', 70_000)}}"}""";
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(Rejection.Oversized, _parser.Parse(Encoding.UTF8.GetBytes(message)));
            Assert.Equal($"The message has {message.Length} bytes: 65536 are allowed", _parser.Detail);
        }
    }

    [Fact]
    public void A_rejected_message_of_another_form_is_accounted_by_sensor_sequence_and_number()
    {
        Assert.Equal(Rejection.NoValue, _parser.Parse("""{"value":NaN,"sensorId":7,"metadata":{"reading_count":"12","sequence_id":3}}"""u8));
        Assert.Equal(("7", "3", 12L), (_parser.SensorId, _parser.SequenceId, _parser.ReadingCount));
    }

    [Theory]
    [InlineData("not JSON", "malformed_json", "press/7")]
    [InlineData("", "empty", "press/7")]
    [InlineData("[]", "empty", "press/7")]
    [InlineData("{\"value\":1}", "missing_field", "press/7")]
    [InlineData("{\"sensor_id\":\"other\",\"value\":1}", "missing_field", "other")]
    public void A_rejected_message_without_an_id_is_accounted_by_its_key(string message, string reason, string sensor)
    {
        var keys = new KeyMemory();
        var parser = new ReadingParser(new SensorDirectory(100), keys, new DialectReader(new MessagesOptions()));
        keys.Deserialize("press/7"u8, isNull: false, SerializationContext.Empty);

        Assert.Equal((reason, sensor), (Rejections.NameOf(parser.Parse(Encoding.UTF8.GetBytes(message))), parser.SensorId));

        keys.Deserialize([0xff], isNull: false, SerializationContext.Empty);
        parser.Parse(new byte[100_000]);
        Assert.Null(parser.SensorId);
    }

    [Theory]
    [InlineData("TimeZone", "Mars/Olympus", "Consumers:Messages:TimeZone = Mars/Olympus: must be the IANA id of a time zone that this machine knows, as UTC or Europe/Berlin")]
    [InlineData("TimeZoone", "UTC", "Consumers:Messages:TimeZoone = UTC: there is no such setting; must be one of TimeZone, RecordTime, Mapping, SchemaRegistry, CloudEventHeaders")]
    [InlineData("Mapping:Vaule", "temp", "Consumers:Messages:Mapping:Vaule = temp: there is no such setting; must be one of Time, Id, Type, Value, Unit, AlertLevel, Quality, Section, Machine, Zone, ReadingCount, SequenceId, Backfill, Readings, Values, Units, DefaultType, DefaultUnit")]
    [InlineData("Mapping:Values", "temp", "Consumers:Messages:Mapping:Values = temp: must be Consumers:Messages:Mapping:Values:{type}, the member that holds a value of that type")]
    [InlineData("Mapping:Values:temperature:x", "temp", "Consumers:Messages:Mapping:Values:temperature = : must be Consumers:Messages:Mapping:Values:{type}, the member that holds a value of that type")]
    [InlineData("Mapping:Values:temperature", "a//b", "Consumers:Messages:Mapping:Values:temperature = a//b: must be the name of a member, or a JSON pointer as Value/SourceTimestamp (~1 is a slash in a name, ~0 a tilde); | separates alternatives")]
    [InlineData("Mapping:Values:co2", "co2", "Consumers:Messages:Mapping:Values:co2 = co2: this type has no unit of its own; set Consumers:Messages:Mapping:Units:co2")]
    [InlineData("Mapping:Units:co2", "a unit of more than thirty-two letters", "Consumers:Messages:Mapping:Units:co2 = a unit of more than thirty-two letters: must have at most 32 characters")]
    [InlineData("Mapping:Value", "a||b", "Consumers:Messages:Mapping:Value = a||b: must be the name of a member, or a JSON pointer as Value/SourceTimestamp (~1 is a slash in a name, ~0 a tilde); | separates alternatives")]
    [InlineData("Mapping:Value", "a~2b", "Consumers:Messages:Mapping:Value = a~2b: must be the name of a member, or a JSON pointer as Value/SourceTimestamp (~1 is a slash in a name, ~0 a tilde); | separates alternatives")]
    [InlineData("Mapping:Value", "a|a", "Consumers:Messages:Mapping:Value = a|a: a is set for Value already; must be a member that is set once")]
    [InlineData("Mapping:DefaultUnit", "a unit of more than thirty-two letters", "Consumers:Messages:Mapping:DefaultUnit = a unit of more than thirty-two letters: must have at most 32 characters")]
    public void A_wrong_setting_is_told_with_key_value_and_what_is_allowed(string key, string value, string failure)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"Consumers:Messages:{key}", value)]).Build();
        var options = configuration.GetSection(MessagesOptions.Section).Get<MessagesOptions>() ?? new MessagesOptions();

        Assert.Equal(failure, new MessagesOptionsValidator(configuration).Validate(null, options).FailureMessage);
    }

    [Fact]
    public void Settings_that_are_right_are_taken()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            [new("Consumers:Messages:TimeZone", "Europe/Berlin"), new("Consumers:Messages:Mapping:Value", "temp|/a~1b/0"), new("Consumers:Messages:Mapping:Id", "")]).Build();
        var options = configuration.GetSection(MessagesOptions.Section).Get<MessagesOptions>()!;

        Assert.True(new MessagesOptionsValidator(configuration).Validate(null, options).Succeeded);
        Assert.Equal(["a/b", "0"], MemberMap.Tokens("/a~1b/0")!);
    }
}
