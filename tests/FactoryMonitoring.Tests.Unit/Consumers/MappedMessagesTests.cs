using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>What is beside the values that the settings name, messages that need no mapping beside those that do, and members that are there twice.</summary>
public sealed class MappedMessagesTests
{
    private const string Temp = "Values:temperature=temp|T";
    private const string Climate = "Values:temperature=temp,Values:humidity=hum,AlertLevel=lvl";

    private readonly KeyMemory _key = new();

    [Theory]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":70,"unit":"F"}""", "d-temperature 70 F")]
    [InlineData(Temp, """{"uom":"°F","ts":1769860800,"device":"d","T":70}""", "d-temperature 70 °F")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":70,"unit_code":"FAH"}""", "d-temperature 70 °F")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":21,"units":"celsius"}""", "d-temperature 21 celsius")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":"70 °F","unit":"F"}""", "d-temperature 70 F")]
    [InlineData(Temp, """[{"ts":1769860800,"device":"d","temp":70,"unit":"F"},{"ts":1769860800,"device":"e","temp":21}]""", "d-temperature 70 F", "e-temperature 21 °C")]
    [InlineData("Readings=readings," + Temp, """{"ts":1769860800,"device":"d","readings":[{"temp":70,"unit":"F"},{"temp":294,"unit":"K"}]}""", "d-temperature 70 F", "d-temperature 294 K")]
    [InlineData("Readings=readings," + Temp, """{"ts":1769860800,"device":"d","readings":[{"temp":21},{"temp":70,"unit":"F"}]}""", "d-temperature 21 °C", "d-temperature 70 F")]
    [InlineData("Readings=readings," + Temp, """{"ts":1769860800,"device":"d","readings":[{"temp":21},{"flow":3,"temp_unit":"F","temp":"70 °F"}]}""", "d-temperature 21 °C", "d-temperature 70 °F")]
    [InlineData("Readings=readings," + Temp, """{"ts":1769860800,"device":"d","unit":"K","readings":[{"temp":294}]}""", "d-temperature 294 K")]
    // The settings decide.
    [InlineData("Unit=temperature_unit," + Temp, """{"ts":1769860800,"device":"d","temp":70,"temperature_unit":"F"}""", "d-temperature 70 F")]
    [InlineData("Units:temperature=°F," + Temp, """{"ts":1769860800,"device":"d","temp":70,"isFahrenheit":true,"scale":0.1}""", "d-temperature 70 °F")]
    [InlineData("Units:temperature=°F," + Temp, """{"ts":1769860800,"device":"d","temp":70,"unit":"each"}""", "d-temperature 70 °F")]
    // The unit of another quantity, of its type, and none.
    [InlineData(Climate, """{"ts":1769860800,"device":"d","hum":40,"unit":"C","temp_unit":"F"}""", "d-humidity 40 %")]
    [InlineData(Climate, """{"ts":1769860800,"device":"d","hum":0.4,"unit":"1"}""", "d-humidity 40 %")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":21,"unit":"","tempUnit":"C","isFahrenheit":false,"scale":1}""", "d-temperature 21 °C")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":21,"unit":null,"battery":{"value":3,"unit":"V"}}""", "d-temperature 21 °C")]
    [InlineData("Values:co2=c,DefaultUnit=1", """{"ts":1769860800,"device":"d","c":400,"unit":"ppm"}""", "d-co2 400 ppm")]
    // Beside several values a unit is that of none of them; a missing value is none.
    [InlineData(Climate, """{"ts":1769860800,"device":"d","temp":70,"hum":40,"unit":"F","lvl":"bogus"}""", "d-humidity 40 %", "d-temperature 70 °C")]
    [InlineData(Climate, """{"ts":1769860800,"device":"d","temp":70,"hum":null,"unit":"F"}""", "d-temperature 70 F")]
    [InlineData(Climate, """{"ts":1769860800,"device":"d","temp":70,"hum":"n/a","unit":"F"}""", "d-temperature 70 F")]
    public void A_unit_beside_the_only_value_is_its_unit(string mapping, string message, params string[] readings)
    {
        var parser = Parser(mapping);
        for (var i = 0; i < 2; i++)
        {
            Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
            Assert.Equal(readings, Readings(parser));
        }
    }

    [Theory]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":70,"temperature_unit":"F"}""", "missing_field", "The temperature has no unit, and temperature_unit (\"F\") may name it: name that in Consumers:Messages:Mapping:Unit, or name the unit of all messages in Consumers:Messages:Mapping:Units:temperature")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","T":70,"tempUnit":"F"}""", "missing_field", "tempUnit (\"F\")")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":70,"isFahrenheit":true}""", "missing_field", "isFahrenheit (true)")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":70,"units":"imperial"}""", "missing_field", "units (\"imperial\")")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":70,"unit":"each"}""", "missing_field", "The temperature has no unit, and unit (\"each\") may name it: name another member in Consumers:Messages:Mapping:Unit, or name the unit of all")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":2150,"scale":0.01}""", "missing_field", "The temperature may have to be scaled by scale (0.01)")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":70,"config":{"unit":"F"}}""", "missing_field", "config/unit (\"F\")")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":70,"unit":7}""", "wrong_type", "Cannot read the unit 7")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":"70 °F","unit":"K"}""", "invalid_value", "The value \"70 °F\" is in another unit than \"K\"")]
    [InlineData("Values:vibration=v", """{"ts":1769860800,"device":"d","v":3,"vibration_unit":"g"}""", "missing_field", "vibration_unit (\"g\")")]
    [InlineData("Readings=readings," + Temp, """{"ts":1769860800,"device":"d","readings":[{"temp":21},{"temp":70,"unit":"each"}]}""", "missing_field", "Element [1]: The temperature has no unit, and unit (\"each\")")]
    [InlineData("Readings=readings," + Temp, """{"ts":1769860800,"device":"d","tempUnit":"F","readings":[{"temp":70}]}""", "missing_field", "Element [0]: The temperature has no unit, and tempUnit (\"F\")")]
    // Beside several values: what is of one quantity alone.
    [InlineData(Climate, """{"ts":1769860800,"device":"d","temp":70,"hum":40,"temperatureUnit":"F"}""", "missing_field", "The temperature has no unit, and temperatureUnit (\"F\")")]
    [InlineData(Climate, """{"ts":1769860800,"device":"d","temp":70,"hum":40,"unit":"F","fahrenheit":true}""", "missing_field", "fahrenheit (true)")]
    // A level beside one value.
    [InlineData(Climate, """{"ts":1769860800,"device":"d","temp":70,"lvl":"bogus"}""", "invalid_alert_level", "Cannot read the alert level \"bogus\"")]
    [InlineData(Climate, """{"ts":1769860800,"device":"d","temp":70,"metadata":{"critical_threshold":"much"}}""", "wrong_type", "Cannot read the critical threshold \"much\"")]
    public void What_may_be_the_unit_of_a_value_of_the_settings_is_asked_for(string mapping, string message, string reason, string detail)
    {
        var parser = Parser(mapping);
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(reason, Rejections.NameOf(Parse(parser, message)));
            Assert.Contains(detail, parser.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_level_and_thresholds_beside_the_only_value_are_its_own()
    {
        var parser = Parser(Climate);
        Assert.True(Parse(parser, """{"ts":1769860800,"device":"d","temp":70,"lvl":"critical","metadata":{"warning_threshold":50,"critical_threshold":"60"}}""") == Rejection.None, parser.Detail);
        Assert.Equal((true, AlertLevel.Critical, 50.0, 60.0), (parser.Reading.HasLevel, parser.Reading.Level, parser.Reading.Warning, parser.Reading.Critical));

        Assert.True(Parse(parser, """{"ts":1769860800,"device":"d","hum":0.4,"unit":"1","metadata":{"warning_threshold":0.5}}""") == Rejection.None, parser.Detail);
        Assert.Equal((40.0, 50.0), (parser.Reading.Value, parser.Reading.Warning));

        Assert.True(Parse(parser, """{"ts":1769860800,"device":"d","temp":70,"hum":40,"lvl":"critical","metadata":{"warning_threshold":50}}""") == Rejection.None, parser.Detail);
        Assert.All(parser.Several.ToArray(), reading => Assert.Equal((false, double.NaN), (reading.HasLevel, reading.Warning)));
    }

    [Theory]
    [InlineData("temperature", "Temperature", "900 °C")]
    [InlineData("temperature", "TEMPERATURE", "900 °C")]
    [InlineData("humidity", "Humidity", "900 %")]
    [InlineData("pressure", "Pressure", "900 hPa")]
    public void The_exact_name_of_a_value_wins_whatever_units_the_rules_name(string exact, string other, string value)
    {
        // As the rules of the detector answer, in any case.
        static string? Units(string type) => SensorCatalog.Types.Values.FirstOrDefault(known => known.Name.Equals(type, StringComparison.OrdinalIgnoreCase))?.Unit;
        var parser = Parser("", Units);
        foreach (var members in (string[])[$"\"{exact}\":900,\"{other}\":999", $"\"{other}\":999,\"{exact}\":900", $"\"data\":{{\"{exact}\":900,\"{other}\":999}}", $"\"data\":{{\"{other}\":999,\"{exact}\":900}}"])
        {
            Assert.True(Parse(parser, $"{{\"ts\":1769860800,\"device\":\"z\",{members}}}") == Rejection.None, parser.Detail);
            Assert.Equal([$"z-{exact} {value}"], Readings(parser));
        }

        Assert.Equal(Rejection.MissingField, Parse(parser, $$"""{"ts":1769860800,"device":"z","{{exact.ToUpperInvariant()}}":1,"{{char.ToUpperInvariant(exact[0])}}{{exact[1..]}}":2}"""));
        // An energy and a vibration are not read by their names, in any spelling.
        Assert.Equal(Rejection.MissingField, Parse(parser, """{"ts":1769860800,"device":"z","Energy":1,"Vibration":2}"""));
    }

    [Theory]
    [InlineData(Temp, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"vibration","value":2,"temp":33}""", "n 2 mm/s")]
    [InlineData(Temp, """{"temp":33,"timestamp":"2026-01-31T13:00:00+01:00","sensor_id":"n","sensor_type":"vibration","value":2,"unit":""}""", "n 2 mm/s")]
    [InlineData(Temp, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"flow","value":2,"unit":"l/min","alertLevel":"warn","temp":33}""", "n 2 l/min")]
    [InlineData("DefaultUnit=l/h," + Temp, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"flow","value":2,"temp":33}""", "n 2 l/h")]
    [InlineData("Value=v,Id=name,Type=kind,Time=at", """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"vibration","value":2,"v":33,"name":"m","kind":"humidity","at":"soon"}""", "n 2 mm/s")]
    [InlineData("Readings=readings", """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"vibration","value":2,"readings":[{"value":3}]}""", "n 2 mm/s")]
    [InlineData(Temp, """[{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"vibration","value":2,"temp":33},{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","temp":33}]""", "n 2 mm/s", "n-temperature 33 °C")]
    [InlineData("Readings=readings," + Temp, """{"sensor_id":"m","readings":[{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"vibration","value":2,"temp":33},{"timestamp":"2026-01-31T12:00:00Z","temp":33}]}""", "n 2 mm/s", "m-temperature 33 °C")]
    // The mapping adds what is missing.
    [InlineData("Unit=scale", """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"temperature","value":70,"scale":"F"}""", "n 70 F")]
    [InlineData("Unit=scale", """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"temperature","value":21,"unit":"°C","Value":3,"scale":"F"}""", "n 21 °C")]
    // Not the contract's: a part is missing, or in another form.
    [InlineData(Temp, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","value":2,"temp":33}""", "n-temperature 33 °C")]
    [InlineData(Temp, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"BME280","value":2,"temp":33}""", "n-temperature 33 °C")]
    [InlineData(Temp, """{"timestamp":1769860800,"sensor_id":"n","sensor_type":"vibration","value":2,"temp":33}""", "n-temperature 33 °C")]
    [InlineData("Value=v", """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"n","sensor_type":"vibration","value":"2","v":33}""", "n 33 mm/s")]
    public void A_reading_of_the_contract_is_not_mapped(string mapping, string message, params string[] readings)
    {
        var parser = Parser(mapping);
        for (var i = 0; i < 2; i++)
        {
            Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
            Assert.Equal(readings, Readings(parser));
        }
    }

    [Theory]
    [InlineData("\"value\":1", "\"value\":99", "Two members value are the value: 1 and 99. Send one of them")]
    [InlineData("\"unit\":\"°C\"", "\"unit\":\"°F\"", "Two members unit are the unit")]
    [InlineData("\"timestamp\":\"2026-01-31T12:00:00Z\"", "\"timestamp\":\"2026-01-31T12:00:01Z\"", "Two members timestamp are the time")]
    [InlineData("\"sensor_id\":\"s\"", "\"sensor_id\":\"t\"", "Two members sensor_id")]
    [InlineData("\"sensor_type\":\"temperature\"", "\"sensor_type\":\"flow\"", "Two members sensor_type")]
    [InlineData("\"alert_level\":\"normal\"", "\"alert_level\":\"critical\"", "Two members alert_level")]
    [InlineData("\"quality\":1", "\"quality\":0", "Two members quality")]
    [InlineData("\"location\":{\"zone\":\"a\"}", "\"location\":{\"zone\":\"b\"}", "Two members zone")]
    [InlineData("\"metadata\":{\"reading_count\":1}", "\"metadata\":{\"reading_count\":2}", "Two members reading_count")]
    [InlineData("\"metadata\":{\"warning_threshold\":1}", "\"metadata\":{\"warning_threshold\":2}", "Two members warning_threshold")]
    [InlineData("\"metadata\":{\"critical_threshold\":1}", "\"metadata\":{\"critical_threshold\":2}", "Two members critical_threshold")]
    [InlineData("\"metadata\":{\"backfill\":true}", "\"metadata\":{\"backfill\":false}", "Two members backfill")]
    [InlineData("\"metadata\":{\"sequence_id\":\"a\"}", "\"metadata\":{\"sequence_id\":\"b\"}", "Two members sequence_id")]
    public void A_member_with_two_values_is_refused(string one, string other, string detail)
    {
        string[] members = ["\"timestamp\":\"2026-01-31T12:00:00Z\"", "\"sensor_id\":\"s\"", "\"sensor_type\":\"temperature\"", "\"value\":1", "\"unit\":\"°C\""];
        var rest = string.Join(',', members.Where(member => member != one));
        var parser = Parser("");
        Assert.True(Parse(parser, $"{{{rest},{one}}}") == Rejection.None, parser.Detail);
        Assert.Equal(Rejection.MissingField, Parse(parser, $"{{{one},{rest},{other}}}"));
        Assert.Contains(detail, parser.Detail, StringComparison.Ordinal);
        Assert.True(Parse(parser, $"{{{one},{rest},{one}}}") == Rejection.None, parser.Detail);
        Assert.Equal(1, parser.Reading.Value);
    }

    [Theory]
    [InlineData("", """{"ts":1769860800,"device":"d","sensor_type":"temperature","val":1,"val":99}""", "Two members val are the value: 1 and 99")]
    [InlineData(Temp, """{"ts":1769860800,"device":"d","temp":1,"temp":99}""", "Two members temp")]
    [InlineData("", """{"ts":1769860800,"device":"d","temperature":1,"temperature":99}""", "temperature (1) and temperature (99) are the same temperature with different values")]
    // A member whose exact name decides takes the doubt from no other member.
    [InlineData("", """{"Sensor_Type":"flow","SENSOR_TYPE":"temperature","VALUE":3,"Value":4,"value":5,"ts":1769860800,"device":"d"}""", "Two members whose names differ only in their spelling are the sensor type: \"flow\" and \"temperature\"")]
    public void So_is_one_of_another_name(string mapping, string message, string detail)
    {
        var parser = Parser(mapping);
        Assert.Equal(Rejection.MissingField, Parse(parser, message));
        Assert.Contains(detail, parser.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"temp":20},{"temp":null}""", "d-temperature 20 °C")]
    [InlineData("""{"temp":null,"hum":"n/a"},{"temp":20},{"hum":""},{"temp":"nan","hum":40}""", "d-temperature 20 °C", "d-humidity 40 %")]
    [InlineData("""{"temp":null},{"sensor_type":"flow","value":3,"unit":"l/min"}""", "d-flow 3 l/min")]
    public void Elements_without_a_value_are_no_readings_beside_others(string elements, params string[] readings)
    {
        var parser = Parser("Readings=readings," + Climate);
        Assert.True(Parse(parser, $$"""{"ts":1769860800,"device":"d","readings":[{{elements}}]}""") == Rejection.None, parser.Detail);
        Assert.Equal(readings, Readings(parser));
    }

    [Theory]
    [InlineData("""{"temp":null},{"temp":"n/a"}""", "no_value", "Element [0]: The value of temperature is null")]
    [InlineData("""{"temp":"n/a"},{"hum":null}""", "no_value", "Element [0]: The value of temperature is \"n/a\"")]
    [InlineData("""{"temp":null},{"temp":20},{"temp":"hot"}""", "wrong_type", "Element [2]: Cannot read the value of temperature \"hot\"")]
    [InlineData("""{"temp":20},{"flow":3}""", "missing_field", "Element [1]: It has no sensor type")]
    public void Elements_of_which_none_has_a_value_or_one_is_wrong_are_refused(string elements, string reason, string detail)
    {
        var parser = Parser("Readings=readings," + Climate);
        Assert.Equal(reason, Rejections.NameOf(Parse(parser, $$"""{"ts":1769860800,"device":"d","readings":[{{elements}}]}""")));
        Assert.Contains(detail, parser.Detail, StringComparison.Ordinal);
    }

    [Theory]
    // The word null is a missing unit.
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21,"unit":"null"}""", "s 21 °C")]
    [InlineData("""{"ts":1769860800,"device":"s","sensor_type":"humidity","value":40,"units":"NULL"}""", "s 40 %")]
    [InlineData("""{"ts":1769860800,"device":"s","sensor_type":"temperature","value":70,"unit":null,"deg":"C"}""", "s 70 °C")]
    // Short names that are of something else, and numbers that scale nothing.
    [InlineData("""{"ts":1769860800,"device":"s","temperature":21,"deg":230,"u":"user1","system":"hvac","decimals":0,"factor":1,"exponent":0.5}""", "s-temperature 21 °C")]
    [InlineData("""{"ts":1769860800,"device":"s","temperature":21,"u":{"x":1},"deg":"C","power_factor":0.1,"humidity_decimals":2}""", "s-temperature 21 °C")]
    [InlineData("""{"ts":1769860800,"device":"s","humidity":40,"u":"F","deg":"F"}""", "s-humidity 40 %")]
    public void A_unit_that_is_none(string message, params string[] readings)
    {
        var parser = Parser("");
        for (var i = 0; i < 2; i++)
        {
            Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
            Assert.Equal(readings, Readings(parser));
        }
    }

    [Theory]
    [InlineData("\"factor\":0.01", "The temperature may have to be scaled by factor (0.01)")]
    [InlineData("\"decimals\":1", "The temperature may have to be scaled by decimals (1)")]
    [InlineData("\"temp_decimals\":2", "temp_decimals (2)")]
    [InlineData("\"exponent\":-1", "exponent (-1)")]
    [InlineData("\"conversionFactor\":10", "conversionFactor (10)")]
    [InlineData("\"deg\":\"F\"", "The temperature has no unit, and deg (\"F\") may name it")]
    [InlineData("\"u\":\"F\"", "u (\"F\")")]
    [InlineData("\"U\":\"K\"", "U (\"K\")")]
    [InlineData("\"system\":\"us\"", "system (\"us\")")]
    [InlineData("\"unit\":null,\"temperature_unit\":\"F\"", "temperature_unit (\"F\")")]
    public void Short_names_of_units_and_of_scales_leave_a_value_in_doubt(string member, string detail)
    {
        foreach (var value in (string[])["\"temperature\":70", "\"sensor_type\":\"temperature\",\"value\":70"])
        {
            var parser = Parser("");
            if (member.StartsWith("\"unit", StringComparison.Ordinal) && !value.Contains("value", StringComparison.Ordinal))
            {
                continue;
            }

            Assert.Equal(Rejection.MissingField, Parse(parser, $"{{\"ts\":1769860800,\"device\":\"s\",{value},{member}}}"));
            Assert.Contains(detail, parser.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_unit_of_SenML_is_that_of_the_rules()
    {
        Assert.Equal("°C", UnitWords.SymbolOf("Cel"));
        var parser = Parser(Temp);
        Assert.True(Parse(parser, """{"ts":1769860800,"device":"d","temp":21,"unit":"Cel"}""") == Rejection.None, parser.Detail);
        Assert.Equal(["d-temperature 21 Cel"], Readings(parser));
    }

    private ReadingParser Parser(string mapping, Func<string, string?>? ownUnits = null)
    {
        _key.Deserialize("k"u8, isNull: false, SerializationContext.Empty);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(mapping.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(one => one.Split('='))
            .Select(one => KeyValuePair.Create($"Consumers:Messages:Mapping:{one[0]}", (string?)one[1]))).Build();
        var options = configuration.GetSection(MessagesOptions.Section).Get<MessagesOptions>() ?? new MessagesOptions();
        Assert.True(new MessagesOptionsValidator(configuration).Validate(null, options).Succeeded);
        return new ReadingParser(new SensorDirectory(1000), _key, new DialectReader(options, ownUnits));
    }

    private static Rejection Parse(ReadingParser parser, string message) => parser.Parse(Encoding.UTF8.GetBytes(message));

    private static List<string> Readings(ReadingParser parser) => [.. (parser.Several.IsEmpty ? [parser.Reading] : parser.Several.ToArray())
        .Select(reading => string.Create(CultureInfo.InvariantCulture, $"{reading.Sensor.Identity.Name} {reading.Value} {reading.Sensor.Unit}"))];
}
