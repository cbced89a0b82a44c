using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>Fractions of a type that is measured in %, where a unit says that they are.</summary>
public sealed class FractionTests
{
    private readonly KeyMemory _key = new();

    [Theory]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"humidity","value":0.9,"unit":"1"}""", "s humidity 90 %")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"Humidity","value":0.07,"unit":"Fraction"}""", "s humidity 7 %")]
    [InlineData("""{"ts":1769860800,"device":"s","sensor_type":"humidity","val":"0.555","uom":"ratio"}""", "s humidity 55.5 %")]
    [InlineData("""{"ts":1769860800,"device":"s","sensor_type":"humidity","value":0.4,"unit_code":"C62"}""", "s humidity 40 %")]
    [InlineData("""{"ts":1769860800,"device":"s","humidity":{"value":0.45,"unit":"1"},"temperature":21.5}""", "s-humidity humidity 45 %|s-temperature temperature 21.5 °C")]
    [InlineData("""{"id":"urn:ngsi-ld:Room:1","type":"Room","relativeHumidity":{"type":"Property","value":0.45,"unitCode":"P1"},"humidity":{"type":"Property","value":0.45,"unitCode":"C62","observedAt":"2026-01-31T12:00:00Z"},"dateObserved":"2026-01-31T12:00:00Z"}""", "urn:ngsi-ld:Room:1-humidity humidity 45 %|urn:ngsi-ld:Room:1-relativeHumidity humidity 0.45 %")]
    // Of other types it is what it is.
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"cos_phi","value":0.9,"unit":"1"}""", "s cos_phi 0.9 1")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":0.9,"unit":"1"}""", "s temperature 0.9 1")]
    public void Are_stored_as_percentages(string message, string readings)
    {
        var parser = Parser();
        for (var i = 0; i < 2; i++)
        {
            Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
            Assert.Equal(readings, Readings(parser));
        }
    }

    [Theory]
    [InlineData("""{"ts":1769860800,"humidity":0.9}""", "k-humidity humidity 90 %")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"humidity","value":0.9}""", "s humidity 90 %")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"humidity","value":0.9,"unit":"%"}""", "s humidity 0.9 %")]
    [InlineData("""{"ts":1769860800,"humidity_pct":41,"temperature":21.5}""", "k-humidity humidity 41 %|k-temperature temperature 21.5 °C")]
    [InlineData("""{"Time":"2026-01-31T12:00:00","AM2301":{"Humidity":0.5},"TempUnit":"C"}""", "k-AM2301-humidity humidity 50 %")]
    public void Are_named_by_the_settings(string message, string readings)
    {
        var parser = Parser(new MappingOptions { Units = new() { ["humidity"] = "1" } });
        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal(readings, Readings(parser));
    }

    [Fact]
    public void Are_named_by_the_settings_beside_the_member_of_the_value()
    {
        var parser = Parser(new MappingOptions { Values = new() { ["humidity"] = "rh", ["valve"] = "open" }, Units = new() { ["humidity"] = "1", ["valve"] = "1" } });
        Assert.True(Parse(parser, """{"ts":1769860800,"rh":0.58,"open":0.25}""") == Rejection.None, parser.Detail);
        Assert.Equal("k-humidity humidity 58 %|k-valve valve 0.25 1", Readings(parser));
    }

    [Fact]
    public void Their_thresholds_are_fractions()
    {
        var parser = Parser();
        Assert.Equal(Rejection.None, Parse(parser, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"humidity","value":0.5,"unit":"1","metadata":{"warning_threshold":0.6}}"""));
        Assert.Equal((50.0, 60.0, double.NaN), (parser.Reading.Value, parser.Reading.Warning, parser.Reading.Critical));
    }

    [Theory]
    [InlineData("1e308", "null")]
    [InlineData("0.5", "-1.7e308")]
    public void One_that_is_no_percentage_is_rejected(string value, string threshold)
    {
        var parser = Parser();
        Assert.Equal(Rejection.InvalidValue, Parse(parser, $$$"""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"humidity","value":{{{value}}},"unit":"1","metadata":{"critical_threshold":{{{threshold}}}}}"""));
        Assert.Contains("as a percentage, is beyond a double", parser.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_are_converted()
    {
        Assert.Equal(0.65, UnitConversion.Between("%", "1")!.Value.Of(65));
        Assert.Equal(65, UnitConversion.Between("1", "%")!.Value.Of(0.65));
    }

    private ReadingParser Parser(MappingOptions? mapping = null)
    {
        _key.Deserialize("k"u8, isNull: false, SerializationContext.Empty);
        return new ReadingParser(new SensorDirectory(100), _key, new DialectReader(new MessagesOptions { Mapping = mapping ?? new MappingOptions() }));
    }

    private static Rejection Parse(ReadingParser parser, string message) => parser.Parse(Encoding.UTF8.GetBytes(message));

    private static string Readings(ReadingParser parser) => string.Join('|', (parser.Several.IsEmpty ? [parser.Reading] : parser.Several.ToArray()).Select(reading => string.Create(
        CultureInfo.InvariantCulture, $"{reading.Sensor.Identity.Name} {reading.Sensor.Type} {reading.Value} {reading.Sensor.Unit}")));
}
