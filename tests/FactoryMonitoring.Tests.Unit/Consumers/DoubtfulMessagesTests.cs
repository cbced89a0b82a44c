using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>Messages that can mean two things: what decides is read, and where nothing decides the message is rejected.</summary>
public sealed class DoubtfulMessagesTests
{
    private const string At = "2026-01-31T12:00:00";

    private readonly KeyMemory _key = new();

    [Theory]
    [InlineData("\"Value\":99")]
    [InlineData("\"VALUE\":99,\"_value\":98")]
    [InlineData("\"Timestamp\":\"2004-01-01T00:00:00Z\"")]
    [InlineData("\"SENSOR-ID\":\"other\"")]
    [InlineData("\"Sensor_Type\":\"humidity\"")]
    [InlineData("\"Alert-Level\":\"critical\"")]
    [InlineData("\"Location\":{\"zone\":\"b\",\"Zone\":\"c\"}")]
    [InlineData("\"Unit\":\"F\"")]
    public void The_exact_name_wins_in_any_order(string other)
    {
        const string Exact = "\"timestamp\":\"2026-01-31T12:00:00Z\",\"sensor_id\":\"s\",\"sensor_type\":\"temperature\",\"value\":21.5,\"alert_level\":\"normal\",\"location\":{\"zone\":\"a\"}";
        foreach (var members in (string[])[$"{Exact},{other}", $"{other},{Exact}", $"{Exact},\"unit\":\"°C\",{other}", $"{other},{Exact},\"unit\":\"°C\""])
        {
            if (other.StartsWith("\"Unit", StringComparison.Ordinal) && !members.Contains("\"unit\"", StringComparison.Ordinal))
            {
                continue;
            }

            var parser = Parser("k");
            Assert.True(Parse(parser, $"{{{members}}}") == Rejection.None, parser.Detail);
            Assert.Equal(["s temperature 21.5 °C 1 0"], Readings(parser));
            Assert.Equal(("a", FactoryMonitoring.Contracts.AlertLevel.Normal), (parser.Reading.Sensor.Zone, parser.Reading.Level));
        }
    }

    [Fact]
    public void Another_spelling_counts_beside_a_whole_reading()
    {
        var parser = Parser("k");
        Assert.True(Parse(parser, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21.5,"unit":"°C","alertLevel":"critical"}""") == Rejection.None, parser.Detail);
        Assert.Equal((true, FactoryMonitoring.Contracts.AlertLevel.Critical), (parser.Reading.HasLevel, parser.Reading.Level));
    }

    [Theory]
    [InlineData("""{"temperature":21.5,"Temperature":99,"ts":1769860800}""", "k-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"Temperature":99,"temperature":21.5,"ts":1769860800}""", "k-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"sensorId":"s","SensorID":"s","ts":1769860800,"sensor_type":"temperature","value":21.5}""", "s temperature 21.5 °C 1 0")]
    // Units beside a value.
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":70,"unit_of_measurement":"°F"}""", "s temperature 70 °F 1 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":70,"UnitOfMeasurement":"°F"}""", "s temperature 70 °F 1 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":70,"unitCode":"FAH"}""", "s temperature 70 °F 1 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":70,"engineering_units":"°F"}""", "s temperature 70 °F 1 0")]
    [InlineData("""{"ts":1769860800,"temperature":{"value":70,"unitCode":"FAH"},"humidity":{"value":40,"unit_of_measurement":"%"}}""", "k-humidity humidity 40 % 1 0|k-temperature temperature 70 °F 1 0")]
    [InlineData("""{"ts":1769860800,"temperature":{"value":70,"scale":"fahrenheit"}}""", "k-temperature temperature 70 °F 1 0")]
    // Units that are the type's, or of other quantities, or no units.
    [InlineData("""{"ts":1769860800,"temperature":21.5,"temperatureUnit":"C","isFahrenheit":false}""", "k-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"unit_id":7,"unit_name":"F","hvac_unit":"AHU-3","battery":{"value":3,"unit":"V"}}""", "k-battery battery 3 V 1 0|k-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"oven":{"value":200,"unit":"F"}}""", "k-oven oven 200 °F 1 0|k-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"ts":1769860800,"temperature":"70.7 °F"}""", "k-temperature temperature 70.7 °F 1 0")]
    // A scale of nothing, of another quantity, and of a value in an object of its own.
    [InlineData("""{"ts":1769860800,"temperature":21.5,"scale":1}""", "k-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"pressure_scale":0.01,"scale":73.4}""", "k-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"level":{"value":3,"scale":0.01}}""", "k-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21.5,"unit":"°C","scale":0.1}""", "s temperature 21.5 °C 1 0")]
    [InlineData("""{"ts":1769860800,"humidity":40,"humidity_unit":"percentage","pressure":1013,"pressure_unit":"mbar"}""", "k-humidity humidity 40 % 1 0|k-pressure pressure 1013 hPa 1 0")]
    // A mark that the value is not valid; any other mark is ignored.
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"status":"fault","valid":false}""", "s temperature 21.5 °C 0 0")]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"status":"fault","valid":false}""", "k-temperature temperature 21.5 °C 0 0")]
    [InlineData("""{"ts":1769860800,"values":{"temperature":21.5,"valid":false}}""", "k-temperature temperature 21.5 °C 0 0")]
    [InlineData("""{"ts":1769860800,"temperature":{"value":21.5,"valid":false},"humidity":{"value":40,"valid":true}}""", "k-humidity humidity 40 % 1 0|k-temperature temperature 21.5 °C 0 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"valid":"2027-01-31"}""", "s temperature 21.5 °C 1 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"valid":0,"quality":0.5}""", "s temperature 21.5 °C 0.5 0")]
    // Types.
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature ","value":21.5,"unit":"°C"}""", "s temperature 21.5 °C 1 0")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":" Humidity","value":40}""", "s humidity 40 % 1 0")]
    // Qualities.
    [InlineData("""{"MessageType":"ua-data","Messages":[{"DataSetWriterId":1,"Timestamp":"2026-01-31T12:00:00Z","Status":2147483648,"Payload":{"temperature":22.5,"humidity":{"Value":40,"StatusCode":{"Code":0}}}}]}""",
        "1-humidity humidity 40 % 0 0|1-temperature temperature 22.5 °C 0 0")]
    [InlineData("""{"MessageType":"ua-data","Messages":[{"DataSetWriterId":1,"Timestamp":"2026-01-31T12:00:00Z","Status":0,"Payload":{"temperature":{"Value":22.5,"StatusCode":1073741824}}}]}""", "1-temperature temperature 22.5 °C 0.5 0")]
    [InlineData("""{"mac":"B4","unixtime":1769860800,"tmp":{"value":21.0,"units":"C","is_valid":false}}""", "B4-temperature temperature 21 °C 0 0")]
    [InlineData("""{"mac":"B4","unixtime":1769860800,"tmp":{"tC":21.0,"is_valid":false},"meters":[{"power":12.5,"is_valid":false}]}""", "B4-temperature temperature 21 °C 0 0|B4-meter:0-energy energy 12.5 W 0 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"StatusCode":2147483648}""", "s temperature 21.5 °C 0 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"StatusCode":{"Code":1083506688,"Symbol":"UncertainSensorNotAccurate"}}""", "s temperature 21.5 °C 0.5 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"status_code":0,"isValid":true}""", "s temperature 21.5 °C 1 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"isValid":false}""", "s temperature 21.5 °C 0 0")]
    [InlineData("""{"ts":1769860800,"temperature":{"value":21.5,"quality":"Bad"}}""", "k-temperature temperature 21.5 °C 0 0")]
    // The quantities of one device, and devices behind one key.
    [InlineData("""{"metrics":[{"fields":{"value":45},"name":"temperature","tags":{"sensor_id":"tg"},"timestamp":1769860800},{"fields":{"value":46},"name":"humidity","tags":{"sensor_id":"tg"},"timestamp":1769860800},{"fields":{"value":47},"name":"humidity","tags":{"sensor_id":"other"},"timestamp":1769860800}]}""",
        "tg-humidity humidity 46 % 1 0|other-humidity humidity 47 % 1 0|tg-temperature temperature 45 °C 1 0")]
    [InlineData("temperature,room=1 value=45 1769860800000000000\nhumidity,room=1 value=46 1769860800000000000", "k-1-humidity humidity 46 % 1 0|k-1-temperature temperature 45 °C 1 0")]
    [InlineData("""[{"time":"2026-01-31 12:00:00","model":"A","id":1,"temperature_C":10.0},{"time":"2026-01-31 12:00:00","model":"A","channel":"B","id":2,"temperature_F":50}]""", "A/1-temperature temperature 10 °C 1 0|A/B/2-temperature temperature 50 °F 1 0")]
    [InlineData("""{"mac":"AA:BB","ts":1769860800,"temperature":21.5}""", "AA:BB-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"device":{"id":"x","name":"y"},"ts":1769860800,"temperature":21.5}""", "x-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"device":{"uuid":"x"},"mac":"AA","ts":1769860800,"temperature":21.5}""", "x-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"MAC":"AA","device_id":"d","model":"m","id":1,"time":"2026-01-31 12:00:00","temperature":21.5}""", "d-temperature temperature 21.5 °C 1 0")]
    [InlineData("""{"devEUI":"0101","ts":1769860800,"object":{"temperature":21.5}}""", "0101-temperature temperature 21.5 °C 1 0")]
    // Letters that are the unit, by the type or by another member.
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":"290 K"}""", "s temperature 290 K 1 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"vibration","value":"0.1 g"}""", "s vibration 0.1 g 1 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"level","value":"1.2 m","unit":"m"}""", "s level 1.2 m 1 0")]
    // Series of one id that differ in their other tags, or in their measurements.
    [InlineData("temperature,host=k,room=kitchen value=21.5 1769860800000000000\ntemperature,host=k,room=hall value=4.5 1769860800000000000", "k-hall-temperature temperature 4.5 °C 1 0|k-kitchen-temperature temperature 21.5 °C 1 0")]
    [InlineData("temperature,host=k,room=kitchen value=21.5 1769860800000000000\ntemperature,host=k,room=kitchen value=22.5 1769860801000000000", "k-kitchen-temperature temperature 21.5 °C 1 0|k-kitchen-temperature temperature 22.5 °C 1 1")]
    [InlineData("temperature,host=k,room=hall value=4.5 1769860800000000000", "k-hall-temperature temperature 4.5 °C 1 0")]
    [InlineData("""{"fields":{"value":4.5},"name":"temperature","tags":{"host":"k","room":"hall"},"timestamp":1769860800}""", "k-hall-temperature temperature 4.5 °C 1 0")]
    [InlineData("temperature,host=h1 value=21.5 1769860800000000000\ntemperature,host=h2 value=4.5 1769860800000000000", "k-h1-temperature temperature 21.5 °C 1 0|k-h2-temperature temperature 4.5 °C 1 0")]
    [InlineData("ipmi_sensor,host=k,name=fan_1,unit=rpm value=5000 1769860800000000000\nipmi_sensor,host=k,name=ambient_temp,unit=degrees_c value=20 1769860800000000000", "k-ambient_temp-ipmi_sensor ipmi_sensor 20 degrees_c 1 0|k-fan_1-ipmi_sensor ipmi_sensor 5000 rpm 1 0")]
    [InlineData("env,room=a temperature=21.5 1769860800000000000\nenv,room=b temperature=4.5 1769860801000000000", "k-env-a-temperature temperature 21.5 °C 1 0|k-env-b-temperature temperature 4.5 °C 1 1")]
    [InlineData("env temperature=21.5 1769860800000000000\nweather temperature=4.5 1769860801000000000", "k-env-temperature temperature 21.5 °C 1 0|k-weather-temperature temperature 4.5 °C 1 1")]
    [InlineData("env temperature=21.5 1769860800000000000", "k-env-temperature temperature 21.5 °C 1 0")]
    [InlineData("temperature,room=a value=1 1769860800000000000\ntemperature,room=b value=2 1769860800000000000\nhumidity,room=a value=40 1769860800000000000", "k-a-humidity humidity 40 % 1 0|k-a-temperature temperature 1 °C 1 0|k-b-temperature temperature 2 °C 1 0")]
    [InlineData("temperature,a=x,b=y-z value=1 1769860800000000000\ntemperature,a=x-y,b=z value=2 1769860800000000000", "k-a=x,b=y-z-temperature temperature 1 °C 1 0|k-a=x-y,b=z-temperature temperature 2 °C 1 0")]
    [InlineData("temperature,device_id=d,host=h1,room=a value=1 1769860800000000000\ntemperature,device_id=d,host=h2,room=a value=2 1769860801000000000", "d-temperature temperature 1 °C 1 0|d-temperature temperature 2 °C 1 1")]
    // The unit of a temperature beside other quantities.
    [InlineData("""{"battery":100,"humidity":55,"last_seen":"2026-01-31T12:00:00Z","temperature":22.1,"temperature_unit":"celsius"}""", "k-humidity humidity 55 % 1 0|k-temperature temperature 22.1 °C 1 0")]
    [InlineData("""{"ts":1769860800,"humidity":55,"pressure":1013,"temp_unit":"F","temperature_scale":"imperial"}""", "k-humidity humidity 55 % 1 0|k-pressure pressure 1013 hPa 1 0")]
    [InlineData("""{"ts":1769860800,"humidity":55,"temperature":22.1,"units":"C"}""", "k-humidity humidity 55 % 1 0|k-temperature temperature 22.1 °C 1 0")]
    // The qualities of OPC DA; 100 is a percentage.
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21.5,"unit":"°C","quality":192}""", "s temperature 21.5 °C 1 0")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21.5,"unit":"°C","quality":24}""", "s temperature 21.5 °C 0 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"quality":216}""", "s temperature 21.5 °C 1 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"quality":"64"}""", "s temperature 21.5 °C 0.5 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"quality":4}""", "s temperature 21.5 °C 0 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"quality":91}""", "s temperature 21.5 °C 0.5 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"quality":100}""", "s temperature 21.5 °C 100 0")]
    [InlineData("""{"ts":1769860800,"temperature":{"value":21.5,"quality":24}}""", "k-temperature temperature 21.5 °C 0 0")]
    // Births of Sparkplug B: numbers by the ends of their names.
    [InlineData("""{"timestamp":1769860800000,"seq":0,"metrics":[{"name":"bdSeq","dataType":"Int64","value":3},{"name":"Node Control/Rebirth","dataType":"Boolean","value":false},{"name":"Motor/Temperature","timestamp":1769860801000,"dataType":"Double","value":61.5},{"name":"Hall/Temperature","dataType":"Double","value":21.5},{"name":"humidity","dataType":"Float","value":40},{"name":"Serial","dataType":"String","value":"x1"},{"name":"Motor/Speed","dataType":"Int32","value":1500}]}""",
        "k-Hall-temperature temperature 21.5 °C 1 0|k-Motor-temperature temperature 61.5 °C 1 1|k-humidity humidity 40 % 1 0")]
    // ChirpStack 3 writes the object as text.
    [InlineData("""{"deviceName":"d1","devEUI":"0101","rxInfo":[{"time":"2026-01-31T12:00:00Z"}],"ts":1769860800,"objectJSON":"{\"temperature\":21.5,\"humidity\":40}"}""", "d1-humidity humidity 40 % 1 0|d1-temperature temperature 21.5 °C 1 0")]
    // The logical types of Kafka Connect's schema.
    [InlineData("""{"schema":{"type":"struct","fields":[{"type":"int32","name":"org.apache.kafka.connect.data.Date","version":1,"field":"ts"},{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"value"}]},"payload":{"ts":20484,"value":"CGY=","sensor_type":"temperature"}}""", "k temperature 21.5 °C 1 -43200")]
    [InlineData("""{"schema":{"type":"struct","fields":[{"type":"int64","name":"io.debezium.time.MicroTimestamp","field":"ts"},{"type":"struct","name":"io.debezium.data.VariableScaleDecimal","field":"temperature"}]},"payload":{"ts":1769860801000000,"temperature":{"scale":1,"value":"/yk="}}}""", "k-temperature temperature -21.5 °C 1 1")]
    [InlineData("""{"schema":{"type":"array","items":{"type":"struct","fields":[{"type":"int64","name":"io.debezium.time.NanoTimestamp","field":"ts"}]}},"payload":[{"ts":1769860801000000999,"temperature":1},{"ts":-30609579599000000000,"temperature":2}]}""", "k-temperature temperature 1 °C 1 1|k-temperature temperature 2 °C 1 -32379440399")]
    [InlineData("""{"schema":{"type":"struct","fields":[{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp","field":"ts"}]},"payload":{"ts":1769860802000,"temperature":null,"humidity":40}}""", "k-humidity humidity 40 % 1 2")]
    // A value's own time.
    [InlineData("""{"temperature":{"value":10,"timestamp":1769860810000},"humidity":{"value":40},"ts":1769860800000}""", "k-humidity humidity 40 % 1 0|k-temperature temperature 10 °C 1 10")]
    [InlineData("""{"device_id":"d","temperature":{"value":10,"ts":1769860810000}}""", "d-temperature temperature 10 °C 1 10")]
    public void What_decides_is_read(string message, string readings)
    {
        var parser = Parser("k");

        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal(readings.Split('|'), Readings(parser));
        Assert.Equal(Rejection.None, Parse(parser, message));
        Assert.Equal(readings.Split('|'), Readings(parser));
    }

    [Theory]
    // Two spellings, neither of which is the name.
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","Value":21.5,"VALUE":99}""", "missing_field", "Two members whose names differ only in their spelling are the value: 21.5 and 99. Send one of them, or name one in Consumers:Messages:Mapping:Value")]
    [InlineData("""{"ts":1769860800,"sensorId":"a","SensorID":"b","sensor_type":"temperature","value":21.5}""", "missing_field", "are the sensor id: \"a\" and \"b\"")]
    [InlineData("""{"ts":1769860800,"sensorId":"a","SensorID":"b","temperature":21.5}""", "missing_field", "are the sensor id: \"a\" and \"b\"")]
    [InlineData("""{"ts":1769860800,"sensor_id":"a","sensor_type":"temperature","value":21.5,"Metadata":{"warning_threshold":1},"METADATA":{"warning_threshold":2}}""", "missing_field", "are the warning threshold: 1 and 2")]
    [InlineData("""{"ts":1769860800,"Temperature":21.5,"TEMPERATURE":99}""", "missing_field", "Temperature (21.5) and TEMPERATURE (99) are the same temperature with different values: send one of them, or each with a sensor id of its own, or name those that are read in Consumers:Messages:Mapping:Values:temperature")]
    [InlineData("""{"ts":1769860800,"values":{"temp_C":21.5,"temperatureC":99}}""", "missing_field", "values/temp_C (21.5) and values/temperatureC (99)")]
    // Members that may name the unit.
    [InlineData("""{"ts":1769860800,"values":{"temperature":70,"unit":"F"}}""", "missing_field", "The temperature has no unit, and values/unit (\"F\") may name it: name it with its unit, as temperature_F, or name the unit of all messages in Consumers:Messages:Mapping:Units:temperature")]
    [InlineData("""{"ts":1769860800,"temperature":70,"temperatureUnit":"F"}""", "missing_field", "temperatureUnit (\"F\")")]
    [InlineData("""{"ts":1769860800,"temperature":70,"temp_unit":"F"}""", "missing_field", "temp_unit (\"F\")")]
    [InlineData("""{"ts":1769860800,"temperature":70,"temperature_units":"degrees"}""", "missing_field", "temperature_units (\"degrees\")")]
    [InlineData("""{"ts":1769860800,"temperature":70,"unit_temperature":"F"}""", "missing_field", "unit_temperature")]
    [InlineData("""{"ts":1769860800,"temperature":70,"temperature_scale":"Fahrenheit"}""", "missing_field", "temperature_scale")]
    [InlineData("""{"ts":1769860800,"temperature":70,"scale":"K"}""", "missing_field", "scale (\"K\")")]
    [InlineData("""{"ts":1769860800,"temperature":70,"isFahrenheit":true}""", "missing_field", "isFahrenheit (true)")]
    [InlineData("""{"ts":1769860800,"temperature":70,"celsius":false}""", "missing_field", "celsius (false)")]
    [InlineData("""{"ts":1769860800,"temperature":70,"unitSystem":"imperial"}""", "missing_field", "unitSystem")]
    [InlineData("""{"ts":1769860800,"temperature":70,"config":{"unit":"F"}}""", "missing_field", "and config/unit (\"F\")")]
    [InlineData("""{"ts":1769860800,"humidity":40,"pressure":1013,"settings":{"units":{"pressure_unit":"mmHg"}}}""", "missing_field", "The pressure has no unit, and settings/units/pressure_unit (\"mmHg\") may name it")]
    [InlineData("""{"ts":1769860800,"data":{"body":"{\"temperature\":70,\"settings\":{\"unit\":\"F\"}}"}}""", "missing_field", "unit (\"F\")")]
    [InlineData("""{"fields":{"temperature":70},"name":"env","tags":{"unit":"F"},"timestamp":1769860800}""", "missing_field", "Read as Telegraf's JSON. The temperature has no unit, and tags/unit (\"F\")")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":70,"temperature_unit":"F"}""", "missing_field", "The temperature has no unit, and temperature_unit (\"F\") may name it: name that in Consumers:Messages:Mapping:Unit")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"energy","value":70,"config":{"power_unit":"W"}}""", "missing_field", "The energy has no unit, and config/power_unit (\"W\")")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"Temperature","value":70,"isFahrenheit":true}""", "missing_field", "isFahrenheit (true)")]
    [InlineData("""{"ts":1769860800,"humidity":0.4,"temperature":70,"temperature_unit":"fahrenheit"}""", "missing_field", "The temperature has no unit, and temperature_unit")]
    // A unit under the name of the quantity that is not one of its units.
    [InlineData("""{"ts":1769860800,"humidity":0.45,"humidity_unit":"1"}""", "missing_field", "The humidity has no unit, and humidity_unit (\"1\") may name it: name it with its unit, as temperature_F, or name the unit of all messages in Consumers:Messages:Mapping:Units:humidity")]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"humidity":0.45,"config":{"humidity_units":"fraction"}}""", "missing_field", "config/humidity_units (\"fraction\")")]
    [InlineData("""{"ts":1769860800,"pressure":1013,"pressureUnit":"cmH2O"}""", "missing_field", "The pressure has no unit, and pressureUnit (\"cmH2O\")")]
    [InlineData("""{"ts":1769860800,"humidity":12,"humidity_uom":"g/m³"}""", "missing_field", "humidity_uom")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"vibration","value":3,"vibration_unit":"g"}""", "missing_field", "vibration_unit")]
    // Numbers that may scale the value.
    [InlineData("""{"ts":1769860800,"temperature":2150,"scale":0.01}""", "missing_field", "The temperature may have to be scaled by scale (0.01): send the scaled value, without that member or with a unit")]
    [InlineData("""{"ts":1769860800,"humidity":450,"humidity_multiplier":0.1}""", "missing_field", "humidity_multiplier (0.1)")]
    [InlineData("""{"ts":1769860800,"temperature":215,"scaleFactor":-1}""", "missing_field", "scaleFactor (-1)")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":2150,"divisor":100}""", "missing_field", "The temperature may have to be scaled by divisor (100)")]
    [InlineData("""{"ts":1769860800,"temperature":{"value":2150,"scale":0.01}}""", "missing_field", "temperature/scale (0.01)")]
    // Series of a batch that the tag of the id does not distinguish.
    [InlineData("temperature,device_id=d,room=kitchen value=21.5 1769860800000000000\ntemperature,device_id=d,room=hall value=4.5 1769860801000000000", "missing_field", "metrics/0 (room=kitchen) and metrics/1 (room=hall) are different series, and would be one sensor: name the tag that distinguishes them sensor_id, or set Readings=metrics, Id=tags/TAG, Type=name and Value=fields/value in Consumers:Messages:Mapping")]
    // Times that are of long ago, or something else.
    [InlineData("""{"ts":20261129,"temperature":1}""", "invalid_timestamp", "Cannot read the time 20261129: it could be the date 2026-11-29, or seconds since 1970. Send it as 2026-01-31T23:59:59.123Z")]
    [InlineData("""{"ts":"261130000246","temperature":1}""", "invalid_timestamp", "it could be 2026-11-30T00:02:46 in two digits each, or milliseconds since 1970")]
    [InlineData("""{"ts":261130000246,"temperature":1}""", "invalid_timestamp", "2026-11-30T00:02:46")]
    [InlineData("""{"ts":638700000000000000,"temperature":1}""", "invalid_timestamp", "it could be the ticks of .NET (2024-12-")]
    [InlineData("""{"ts":133800000000000000,"temperature":1}""", "invalid_timestamp", "it could be a FILETIME of Windows (2024-12-")]
    [InlineData("""{"ts":45990.5,"temperature":1}""", "invalid_timestamp", "it could be the days of a spreadsheet (2025-11-29T12:00:00), or seconds since 1970")]
    [InlineData("""{"ts":202601311200,"temperature":1}""", "invalid_timestamp", "Cannot read the time 202601311200: it could be 2026-01-31T12:00 as year, month, day, hour and minute, or milliseconds since 1970. Send it as 2026-01-31T23:59:59.123Z")]
    [InlineData("""{"ts":"202601311200","temperature":1}""", "invalid_timestamp", "2026-01-31T12:00 as year")]
    [InlineData("""{"ts":2026013112,"temperature":1}""", "invalid_timestamp", "it could be 2026-01-31T12:00 as year, month, day and hour, or seconds since 1970")]
    [InlineData("""{"ts":"1999123123","temperature":1}""", "invalid_timestamp", "1999-12-31T23:00")]
    [InlineData("""{"ts":202601311200.0,"temperature":1}""", "invalid_timestamp", "2026-01-31T12:00 as year")]
    [InlineData("""{"ts":20260131.5,"temperature":1}""", "invalid_timestamp", "the date 2026-01-31")]
    [InlineData("""{"ts":2.0260131112233e13,"temperature":1}""", "invalid_timestamp", "it could be 2026-01-31T11:22:33 as year, month, day, hour, minute and second, or milliseconds since 1970")]
    [InlineData("""{"ts":"2026","temperature":1}""", "invalid_timestamp", "Cannot read the time \"2026\": it could be the year 2026, or seconds since 1970")]
    [InlineData("""{"ts":1999,"temperature":1}""", "invalid_timestamp", "the year 1999")]
    [InlineData("""{"ts":2026.5,"temperature":1}""", "invalid_timestamp", "the year 2026")]
    [InlineData("""{"ts":"202601","temperature":1}""", "invalid_timestamp", "it could be the month 2026-01, or seconds since 1970")]
    [InlineData("""{"ts":"260131","temperature":1}""", "invalid_timestamp", "it could be the date 2026-01-31 in two digits each, or seconds since 1970")]
    [InlineData("""{"timestamp":"2026","sensor_id":"s","sensor_type":"temperature","value":21.5,"unit":"°C"}""", "invalid_timestamp", "the year 2026")]
    [InlineData("""{"ts":45990,"temperature":1}""", "invalid_timestamp", "it could be the days of a spreadsheet (2025-11-29T00:00:00), or seconds since 1970")]
    [InlineData("""{"ts":"45990.0","temperature":1}""", "invalid_timestamp", "the days of a spreadsheet (2025-11-29T00:00:00)")]
    [InlineData("""{"ts":"4.599e4","temperature":1}""", "invalid_timestamp", "the days of a spreadsheet")]
    // Letters that can be a multiplier, or the mark of a value.
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"resistance","value":"4.7k"}""", "wrong_type", "Cannot read the value \"4.7k\": \"k\" behind it can be a unit, a multiplier or a mark. Send the number alone, with its unit in another member (unit), or name the unit of all messages in Consumers:Messages:Mapping:Units:resistance")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"energy","value":"1.2 M"}""", "wrong_type", "\"M\" behind it")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":"45s"}""", "wrong_type", "\"s\" behind it")]
    [InlineData("""{"schema":{"type":"struct","fields":[{"type":"int32","name":"org.apache.kafka.connect.data.Time","field":"ts"}]},"payload":{"ts":43200000,"temperature":1}}""", "invalid_timestamp", "org.apache.kafka.connect.data.Time 43200 s")]
    [InlineData("""{"schema":{"type":"struct","fields":[{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","field":"value"}]},"payload":{"ts":1769860800,"sensor_type":"temperature","value":"1234"}}""", "wrong_type", "Cannot read the value \"1234 in base64\"")]
    [InlineData("\"21.5 °F\"", "missing_field", "The message is the number 21.5 °F alone, and has no time")]
    [InlineData("""{"ts":1769860800,"rssi":-70,"wifi":{"channel":3},"qos":1,"level":3}""", "missing_field", "It holds numbers at level:")]
    // A pressure that is none in hPa, in forms that do not say in which unit it is.
    [InlineData("""{"entity_id":"s","state":"101325","attributes":{"device_class":"pressure"},"last_updated":"2026-01-31T12:00:00Z"}""", "missing_field", "Read as a state of Home Assistant. The pressure 101325 has no unit, and could be in hPa, Pa, kPa or bar: name it in Consumers:Messages:Mapping:Units:pressure")]
    [InlineData("""[{"bn":"s:","n":"pressure","bt":1769860800,"v":1.013}]""", "missing_field", "Read as SenML. Element [0]: The pressure 1.013 has no unit")]
    [InlineData("101325", "missing_field", "The pressure 101325 has no unit")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"","value":21.5,"unit":"°C"}""", "missing_field", "The message has no sensor type")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21.5,"unit":"°C","quality":130}""", "invalid_value", "Cannot take the quality 130: 1 is good and 0 is bad, and OPC DA has no such quality. Send a percentage as a number from 0 to 1")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"quality":99}""", "invalid_value", "Cannot take the quality 99: 1 is good and 0 is bad, and OPC DA has no such quality. Send a percentage as a number from 0 to 1")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"quality":60}""", "invalid_value", "Cannot take the quality 60: 1 is good and 0 is bad, and OPC DA has no such quality. Send a percentage as a number from 0 to 1")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":21.5,"quality":2147483648}""", "invalid_value", "Cannot take the quality 2147483648: 1 is good and 0 is bad, and this is a status code of OPC UA. Send it as status_code")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21.5,"unit":"°C","quality":2147483648}""", "invalid_value", "Cannot take the quality 2147483648")]
    public void What_nothing_decides_is_rejected_with_what_to_do(string message, string reason, string detail)
    {
        var parser = Parser("hall/pressure", new MessagesOptions { RecordTime = message == "101325" });

        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(reason, Rejections.NameOf(Parse(parser, message)));
            Assert.Contains(detail, parser.Detail, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("19701131", "1970-08-17T00:32:11")]
    [InlineData("20261329", "1970-08-23T12:08:49")]
    [InlineData("36525", "1970-01-01T10:08:45")]
    [InlineData("1969", "1970-01-01T00:32:49")]
    [InlineData("\"2100\"", "1970-01-01T00:35:00")]
    [InlineData("202613", "1970-01-03T08:16:53")]
    [InlineData("191231", "1970-01-03T05:07:11")]
    [InlineData("1769860800", "2026-01-31T12:00:00")]
    [InlineData("1769860800123", "2026-01-31T12:00:00.123")]
    [InlineData("2026133112", "2034-03-16T14:45:12")]
    [InlineData("2026013125", "2034-03-15T05:25:25")]
    [InlineData("20260131120000.5", "2026-01-31T12:00:00.5")]
    [InlineData("86399.5", "1970-01-01T23:59:59.5")]
    [InlineData("261330000246", "1978-04-13T15:40:00.246")]
    [InlineData("883612800000", "1998-01-01T00:00:00")]
    [InlineData("500000000000000000", "1985-11-05T00:53:20")]
    public void Times_of_long_ago_are_read(string text, string utc)
    {
        var parser = Parser("k");
        Assert.True(Parse(parser, $$"""{"ts":{{text}},"temperature":1}""") == Rejection.None, parser.Detail);
        Assert.Equal(DateTime.Parse(utc, CultureInfo.InvariantCulture), PostgresTime.ToUtc(parser.Several.IsEmpty ? parser.Reading.Timestamp : parser.Several[0].Timestamp));
    }

    [Theory]
    [InlineData("\"21.5 °F\"", "hall/temperature temperature 21.5 °F")]
    [InlineData("21.5 °C", "hall/temperature temperature 21.5 °C")]
    [InlineData(" -3.5 K ", "hall/temperature temperature -3.5 K")]
    public void A_number_alone_can_have_its_unit(string message, string reading)
    {
        var parser = Parser("hall/temperature", new MessagesOptions { RecordTime = true });
        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.StartsWith(reading, Assert.Single(Readings(parser)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_unit_beside_an_array_of_readings_leaves_those_without_one_in_doubt()
    {
        var parser = Parser("k", new MessagesOptions { Mapping = new MappingOptions { Readings = "readings" } });

        Assert.Equal(Rejection.MissingField, Parse(parser, """{"ts":1769860800,"temperatureUnit":"F","readings":[{"sensor_type":"temperature","value":70}]}"""));
        Assert.Equal(Rejection.None, Parse(parser, """{"ts":1769860800,"readings":[{"sensor_type":"temperature","value":21.5},{"sensor_type":"temperature","val":70,"uom":"F","sensor_id":"s"}]}"""));
    }

    [Fact]
    public void A_quality_that_becomes_a_status_code_is_rejected()
    {
        var parser = Parser("k");
        const string Message = """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":21.5,"unit":"°C","quality":1}""";
        Assert.Equal(Rejection.None, Parse(parser, Message));
        Assert.Equal(Rejection.InvalidValue, Parse(parser, Message.Replace("\"quality\":1", "\"quality\":2147483648", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("""{"ts":1769860800,"temperature":70,"temperatureUnit":"F"}""", "k-temperature temperature 70 °F 1 0")]
    [InlineData("""{"ts":1769860800,"sensor":"s","sensor_type":"temperature","value":70,"isFahrenheit":true}""", "s temperature 70 °F 1 0")]
    [InlineData("""[{"bn":"s:","n":"pressure","bt":1769860800,"v":101325}]""", "s:pressure pressure 101325 Pa 1 0")]
    public void The_settings_decide(string message, string reading)
    {
        var parser = Parser("k", new MessagesOptions { Mapping = new MappingOptions { Units = new() { ["temperature"] = "°F", ["pressure"] = "Pa" } } });

        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal([reading], Readings(parser));
    }

    private ReadingParser Parser(string key, MessagesOptions? options = null)
    {
        _key.Deserialize(Encoding.UTF8.GetBytes(key), isNull: key.Length == 0, SerializationContext.Empty);
        return new ReadingParser(new SensorDirectory(1000), _key, new DialectReader(options ?? new MessagesOptions()));
    }

    private static Rejection Parse(ReadingParser parser, string message) => parser.Parse(Encoding.UTF8.GetBytes(message));

    private static List<string> Readings(ReadingParser parser) => [.. (parser.Several.IsEmpty ? [parser.Reading] : parser.Several.ToArray()).Select(reading => string.Create(
        CultureInfo.InvariantCulture,
        $"{reading.Sensor.Identity.Name} {reading.Sensor.Type} {reading.Value} {reading.Sensor.Unit} {reading.Quality} {(PostgresTime.ToUtc(reading.Timestamp) - DateTime.Parse(At, CultureInfo.InvariantCulture)).TotalSeconds}"))];
}
