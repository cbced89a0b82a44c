using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>A value that is missing, however a producer says it, takes no other value of its message with it.</summary>
public sealed class MissingValuesTests
{
    private readonly KeyMemory _key = new();

    public static TheoryData<string> Missing { get; } = new("null NaN nan -nan inf -Infinity INF -nan(ind) \"\" \"-\" \"nan\" \"unavailable\" \"unknown\" \"N/A\" \"None\" \"#VALUE!\"".Split(' '));

    [Theory]
    [MemberData(nameof(Missing))]
    public void The_other_values_of_the_message_are_stored(string missing)
    {
        foreach (var (message, reading) in ((string, string)[])
        [
            ($$"""{"ts":1769860800,"temperature":21.5,"humidity":{{missing}}}""", "k-temperature temperature 21.5 °C"),
            ($$"""{"ts":1769860800,"humidity":{{missing}},"values":{"temp_C":21.5,"pressure":{{missing}} } }""", "k-temperature temperature 21.5 °C"),
            ($$"""{"ts":1769860800,"temperature":{"value":{{missing}} },"humidity":{"value":40,"unit":"%"} }""", "k-humidity humidity 40 %"),
            ($$"""{"ts":1769860800,"temperature":{{missing}},"Temperature":null,"temp_F":70.7}""", "k-temperature temperature 70.7 °F"),
            ($$"""{"Time":"2026-01-31T12:00:00","AM2301":{"Temperature":{{missing}},"Humidity":40 },"TempUnit":"C"}""", "k-AM2301-humidity humidity 40 %"),
            ($$"""{"MessageType":"ua-data","Messages":[{"DataSetWriterId":1,"Timestamp":"2026-01-31T12:00:00Z","Payload":{"Temperature":{"Value":{{missing}} },"Humidity":{"Value":40} } }]}""", "1-humidity humidity 40 %"),
        ])
        {
            var parser = Parser();
            Assert.True(Parse(parser, message) == Rejection.None, $"{message}: {parser.Detail}");
            Assert.Equal(reading, Reading(parser));
        }
    }

    [Theory]
    [MemberData(nameof(Missing))]
    public void A_message_with_nothing_else_is_rejected(string missing)
    {
        foreach (var message in (string[])
        [
            $$"""{"ts":1769860800,"temperature":{{missing}},"humidity":null}""",
            $$"""{"ts":1769860800,"temperature":{{missing}},"Temperature":"unknown"}""",
            $$"""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":{{missing}}}""",
        ])
        {
            var parser = Parser();
            Assert.Equal((Rejection.NoValue, message), (Parse(parser, message), message));
            Assert.Contains("which is none: it must be a finite number", parser.Detail, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"ts":1769860800,"temperature":nano}""")]
    [InlineData("""{"ts":1769860800,"temperature":--inf}""")]
    [InlineData("""{"ts":1769860800,"temperature":n}""")]
    [InlineData("""{"ts":1769860800,"temperature":-}""")]
    [InlineData("""{"ts":1769860800,"note":"nan","temperature":}""")]
    public void No_other_bare_word_is_read(string message) => Assert.Equal(Rejection.MalformedJson, Parse(Parser(), message));

    [Fact]
    public void Words_in_texts_stay_as_they_are()
    {
        var parser = Parser();
        Assert.True(Parse(parser, """{"ts":1769860800,"sensor":"a \"nan\" \\","sensor_type":"temperature","value":21.5,"spare":[nan,-inf],"inf":"nan"}""") == Rejection.None, parser.Detail);
        Assert.Equal("a \"nan\" \\ temperature 21.5 °C", Reading(parser));
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("{\"factory_section\":\"\",\"machine_id\":\"\",\"zone\":\"\"}")]
    [InlineData("{\"zone\":\"\"}")]
    [InlineData("null")]
    public void An_empty_place_is_none(string location)
    {
        foreach (var unit in (string[])["", ",\"unit\":\"°C\""])
        {
            var parser = Parser();
            var message = $$"""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21.5,"location":{{location}}{{unit}}}""";
            for (var i = 0; i < 2; i++)
            {
                Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
                var sensor = parser.Reading.Sensor;
                Assert.Equal((null, null, null), (sensor.FactorySection, sensor.MachineId, sensor.Zone));
            }
        }
    }

    private ReadingParser Parser()
    {
        _key.Deserialize("k"u8, isNull: false, SerializationContext.Empty);
        return new ReadingParser(new SensorDirectory(100), _key, new DialectReader(new MessagesOptions()));
    }

    private static Rejection Parse(ReadingParser parser, string message) => parser.Parse(Encoding.UTF8.GetBytes(message));

    private static string Reading(ReadingParser parser) => string.Join('|', (parser.Several.IsEmpty ? [parser.Reading] : parser.Several.ToArray()).Select(reading => string.Create(
        CultureInfo.InvariantCulture, $"{reading.Sensor.Identity.Name} {reading.Sensor.Type} {reading.Value} {reading.Sensor.Unit}")));
}
