using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>Numbers identified by their names and units, several sensors in one message, and the members of a readable message that are not read.</summary>
public sealed class NamedValuesTests
{
    private readonly KeyMemory _key = new();
    private readonly UnreadMembers _unread = new(TimeProvider.System);

    [Theory]
    // The unit in the name, in the notations of several manufacturers.
    [InlineData("""{"ts":1769860800,"temperature_C":21.5,"humidity_pct":40,"pressure_hPa":1013}""", "d-humidity humidity 40 %|d-pressure pressure 1013 hPa|d-temperature temperature 21.5 °C", "")]
    [InlineData("""{"ts":1769860800,"temp_f":70.7,"pressurePa":101325,"humidityPercent":40}""", "d-humidity humidity 40 %|d-pressure pressure 101325 Pa|d-temperature temperature 70.7 °F", "")]
    [InlineData("""{"ts":1769860800,"tempC":21.5,"pressure.kPa":101.3,"temp (°F)":70.7}""", "d-pressure pressure 101.3 kPa|d-temperature temperature 21.5 °C", "temp (°F)")]
    [InlineData("""{"ts":1769860800,"voltage_V":230.1,"current_mA":120,"power_W":27,"co2_ppm":417,"battery_percent":91,"soil_kelvin":290}""",
        "d-battery battery 91 %|d-co2 co2 417 ppm|d-current current 120 mA|d-energy energy 27 W|d-soil soil 290 K|d-voltage voltage 230.1 V", "")]
    [InlineData("""{"ts":1769860800,"indoor_temp_C":21.5,"outdoor_temp_C":-3,"dew_point_C":8}""", "d-dew_point dew_point 8 °C|d-indoor_temp temperature 21.5 °C|d-outdoor_temp temperature -3 °C", "")]
    [InlineData("""{"ts":1769860800,"temperature_K":294.6}""", "d-temperature temperature 294.6 K", "")]
    [InlineData("""{"ts":1769860800,"values":{"temp_C":"21.5","noise_dBA":48}}""", "d-noise noise 48 dB(A)|d-temperature temperature 21.5 °C", "")]
    [InlineData("""{"ts":1769860800,"vibration_mm/s":2.5,"power_mW":5}""", "d-power power 5 mW|d-vibration vibration 2.5 mm/s", "")]
    // One measurement in several units is one reading: the type's unit takes precedence over other units, and a unit over no unit.
    [InlineData("""{"ts":1769860800,"temperature":21.5,"temperature_C":21.5,"temp_F":70.7,"co2":417}""", "d-temperature temperature 21.5 °C", "co2, temp_F, temperature")]
    [InlineData("""{"ts":1769860800,"temperature":70.7,"temperature_F":70.7}""", "d-temperature temperature 70.7 °F", "temperature")]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"temperature_C":null}""", "d-temperature temperature 21.5 °C", "")]
    // A separate unit does not apply to values whose names include one.
    [InlineData("""{"ts":1769860800,"temperature_C":21.5,"unit":"metric"}""", "d-temperature temperature 21.5 °C", "")]
    // Text is a value only for known types.
    [InlineData("""{"ts":1769860800,"temperature":21.5,"battery_V":"ok","co2_ppm":"417"}""", "d-co2 co2 417 ppm|d-temperature temperature 21.5 °C", "")]
    // Suffixes that are not units of the names before them.
    [InlineData("""{"ts":1769860800,"temperature":21.5,"phase_A":3,"line_C":4,"uptime_s":7,"lux":300,"linkquality":84,"time_ms":5}""", "d-temperature temperature 21.5 °C", "line_C, linkquality, lux, phase_A, time_ms, uptime_s")]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9}""", "d-temperature temperature 21.5 °C", "a, b, c, d, e, f, g, h")]
    [InlineData("""[{"ts":1769860800,"temperature":21.5,"lux":300},{"ts":1769860800,"humidity":40,"co2":417}]""", "d-temperature temperature 21.5 °C|d-humidity humidity 40 %", "co2, lux")]
    // Tasmota: several sensors without ids, an answer to a status, and a plug.
    [InlineData("""{"Time":"2026-01-31T12:00:00","DS18B20-1":{"Temperature":21.5},"DS18B20-2":{"Temperature":22.5},"TempUnit":"C"}""", "d-DS18B20-1-temperature temperature 21.5 °C|d-DS18B20-2-temperature temperature 22.5 °C", "")]
    [InlineData("""{"Time":"2026-01-31T12:00:00","DS18B20-1":{"Temperature":null},"DS18B20-2":{"Temperature":22.5},"TempUnit":"C"}""", "d-DS18B20-2-temperature temperature 22.5 °C", "")]
    [InlineData("""{"StatusSNS":{"Time":"2026-01-31T12:00:00","AM2301":{"Temperature":71,"Humidity":40},"TempUnit":"F"}}""", "d-AM2301-humidity humidity 40 %|d-AM2301-temperature temperature 71 °F", "")]
    [InlineData("""{"Time":"2026-01-31T12:00:00","ENERGY":{"TotalStartTime":"2025-01-01T00:00:00","Total":3.185,"Power":12,"Factor":0.95,"Voltage":230,"Current":0.06}}""",
        "d-current current 0.06 A|d-energy energy 12 W|d-voltage voltage 230 V", "ENERGY/Factor, ENERGY/Total")]
    // The id of a sensor does not depend on which others answered.
    [InlineData("""{"Time":"2026-01-31T12:00:00","DHT-1":{"Temperature":21.5},"TempUnit":"C"}""", "d-DHT-1-temperature temperature 21.5 °C", "")]
    [InlineData("""{"Time":"2026-01-31T12:00:00","BME280":{"Temperature":21.5,"Humidity":40},"TempUnit":"C"}""", "d-BME280-humidity humidity 40 %|d-BME280-temperature temperature 21.5 °C", "")]
    [InlineData("""{"Time":"2026-01-31T12:00:00","BME280":{"Temperature":21.5},"DS18B20":{"Temperature":22.5},"TempUnit":"C"}""", "d-BME280-temperature temperature 21.5 °C|d-DS18B20-temperature temperature 22.5 °C", "")]
    [InlineData("""{"Time":"2026-01-31T12:00:00","DS18B20":{"Id":"3C01","Temperature":22.5},"ENERGY":{"Power":12},"TempUnit":"C"}""", "3C01-temperature temperature 22.5 °C|d-energy energy 12 W", "")]
    // CayenneLPP's channels, and what The Things Stack normalizes.
    [InlineData("""{"end_device_ids":{"device_id":"t"},"received_at":"2026-01-31T12:00:00Z","uplink_message":{"decoded_payload":{"temperature_1":21.5,"temperature_2":22.5,"relative_humidity_2":40,"barometric_pressure_3":1013,"analog_in_4":3}}}""",
        "t-barometric_pressure_3 pressure 1013 hPa|t-relative_humidity_2 humidity 40 %|t-temperature_1 temperature 21.5 °C|t-temperature_2 temperature 22.5 °C", "uplink_message/decoded_payload/analog_in_4")]
    [InlineData("""{"ts":1769860800,"Temperature_12":21.5,"temperature_setpoint_1":25,"humidity_1":null}""", "d-Temperature_12 temperature 21.5 °C", "temperature_setpoint_1")]
    [InlineData("""{"end_device_ids":{"device_id":"t"},"received_at":"2026-01-31T12:00:00Z","uplink_message":{"normalized_payload":[{"air":{"temperature":21.5,"relativeHumidity":40}}]}}""", "t-humidity humidity 40 %|t-temperature temperature 21.5 °C", "")]
    [InlineData("""{"end_device_ids":{"device_id":"t"},"received_at":"2026-01-31T12:00:00Z","uplink_message":{"decoded_payload":{"temperature":21.5},"normalized_payload":[{"air":{"temperature":21.5}}]}}""", "t-temperature temperature 21.5 °C", "")]
    // Millibars behind a pressure, and megabytes.
    [InlineData("""{"ts":1769860800,"pressure_mb":1013,"pressure_inHg":29.9,"memory_mb":512}""", "d-pressure pressure 1013 hPa", "memory_mb, pressure_inHg")]
    [InlineData("""{"ts":1769860800,"baro_press_MB":1013,"temperatureC":21.5}""", "d-baro_press pressure 1013 hPa|d-temperature temperature 21.5 °C", "")]
    // Shelly's first generation, with the value in the unit of the device.
    [InlineData("""{"mac":"B4E6","unixtime":1769860800,"tmp":{"value":70.7,"units":"F","is_valid":true},"hum":{"value":40,"is_valid":true}}""", "B4E6-humidity humidity 40 %|B4E6-temperature temperature 70.7 °F", "")]
    [InlineData("""{"mac":"B4E6","unixtime":1769860800,"tmp":{"value":21.5,"units":"C"},"hum":{"value":40}}""", "B4E6-humidity humidity 40 %|B4E6-temperature temperature 21.5 °C", "")]
    // A RuuviTag's pressure is in Pa.
    [InlineData("""{"ts":1769860800,"temperature":21.5,"pressure":101325,"dataFormat":5,"movementCounter":7}""", "d-pressure pressure 101325 Pa|d-temperature temperature 21.5 °C", "dataFormat, movementCounter")]
    [InlineData("""{"ts":1769860800,"mac":"AA:01","pressure":99980,"measurementSequenceNumber":7}""", "AA:01-pressure pressure 99980 Pa", "measurementSequenceNumber")]
    // A pressure that a gateway has converted to hPa stays in hPa: no tag measures so little in Pa.
    [InlineData("""{"ts":1769860800,"mac":"AA:01","pressure":1013.25,"dataFormat":5}""", "AA:01-pressure pressure 1013.25 hPa", "dataFormat")]
    // An object of a value and its unit; and numbers in an array.
    [InlineData("""{"ts":1769860800,"temperature":{"value":70.7,"unit":"F"},"humidity":{"value":40},"co2":{"value":417,"unit":"ppm"},"noise":{"value":48},"door":{"value":"open"},"accel":[1,2,3]}""", "d-co2 co2 417 ppm|d-humidity humidity 40 %|d-temperature temperature 70.7 °F", "accel, noise")]
    // OPC UA PubSub: publishers with the same writers, and fields in its encodings.
    [InlineData("""{"MessageType":"ua-data","PublisherId":"a","Messages":[{"DataSetWriterId":1,"Timestamp":"2026-01-31T12:00:00Z","Payload":{"Temperature":21.5,"Speed":3}}]}""", "a/1-temperature temperature 21.5 °C", "Messages/0/Payload/Speed")]
    [InlineData("""{"MessageType":"ua-data","PublisherId":7,"Messages":[{"DataSetWriterName":"w","Timestamp":"2026-01-31T12:00:01Z","Payload":{"Temperature":{"Value":{"Type":11,"Body":21.5},"SourceTimestamp":"2026-01-31T12:00:00Z"},"Pressure_bar":{"Type":11,"Body":2}}}]}""",
        "7/w-pressure pressure 2 bar|7/w-temperature temperature 21.5 °C", "")]
    [InlineData("""{"MessageType":"ua-data","Messages":{"DataSetWriterId":1,"Timestamp":"2026-01-31T12:00:00Z","Payload":{"Humidity":{"Value":40}}}}""", "1-humidity humidity 40 %", "")]
    // Shelly: a notification and a component of the second generation, a status of the first.
    [InlineData("""{"src":"shellyht-1","method":"NotifyFullStatus","params":{"ts":1769860800.25,"temperature:0":{"id":0,"tC":21.5,"tF":70.7},"humidity:0":{"id":0,"rh":40},"devicepower:0":{"id":0,"battery":{"V":5.9,"percent":91}}}}""",
        "shellyht-1-temperature:0 temperature 21.5 °C|shellyht-1-humidity:0 humidity 40 %", "params/temperature:0/tF")]
    [InlineData("""{"src":"p","method":"NotifyStatus","params":{"ts":1769860800,"switch:0":{"id":0,"apower":12.5,"voltage":230.1,"current":0.05,"freq":50,"temperature":{"tC":45.3,"tF":113.5}},"switch:1":{"id":1,"apower":3}}}""",
        "p-switch:0-current current 0.05 A|p-switch:0-energy energy 12.5 W|p-switch:0-frequency frequency 50 Hz|p-switch:0-voltage voltage 230.1 V|p-switch:0-temperature temperature 45.3 °C|p-switch:1-energy energy 3 W", "params/switch:0/temperature/tF")]
    [InlineData("""{"mac":"B4E6","unixtime":1769860800,"time":"12:00","uptime":77,"tmp":{"tC":21.5,"tF":70.7,"is_valid":true},"hum":{"value":40,"is_valid":true},"meters":[{"power":12.5,"is_valid":true,"total":99}]}""",
        "B4E6-humidity humidity 40 %|B4E6-temperature temperature 21.5 °C|B4E6-meter:0-energy energy 12.5 W", "meters/0/total, tmp/tF")]
    [InlineData("""{"src":"m","method":"NotifyStatus","params":{"ts":1769860800,"em:0":{"id":0,"a_voltage":230,"a_act_power":200,"total_act_power":500,"a_pf":0.9}}}""",
        "m-em:0-a-energy energy 200 W|m-em:0-a-voltage voltage 230 V|m-em:0-total-energy energy 500 W", "params/em:0/a_pf")]
    // AWS IoT SiteWise: the request, and the notification of it.
    [InlineData("""{"entries":[{"entryId":"1","propertyAlias":"/hall/1/temperature","propertyValues":[{"value":{"doubleValue":21.5},"timestamp":{"timeInSeconds":1769860800,"offsetInNanos":500000000},"quality":"UNCERTAIN"},{"value":{"integerValue":22},"timestamp":{"timeInSeconds":1769860801}}]}]}""",
        "/hall/1/temperature temperature 21.5 °C|/hall/1/temperature temperature 22 °C", "")]
    // NGSI v2, its key-values form, its notification, and NGSI-LD.
    [InlineData("""{"id":"Room1","type":"Room","temperature":{"value":21.5,"type":"Number","metadata":{"TimeInstant":{"type":"DateTime","value":"2026-01-31T12:00:00Z"}}},"occupancy":{"value":3,"type":"Number","metadata":{}},"TimeInstant":{"type":"DateTime","value":"2026-01-31T13:00:00Z"}}""",
        "Room1-temperature temperature 21.5 °C", "occupancy/value")]
    [InlineData("""{"id":"Room1","type":"Room","temperature":21.5,"TimeInstant":"2026-01-31T12:00:00Z"}""", "Room1-temperature temperature 21.5 °C", "")]
    [InlineData("""{"subscriptionId":"s","data":[{"id":"R1","type":"Room","dateObserved":{"type":"DateTime","value":"2026-01-31T12:00:00Z"},"humidity":{"value":40,"type":"Number","metadata":{}}},{"id":"R2","type":"Room","dateObserved":{"type":"DateTime","value":"2026-01-31T12:00:00Z"},"humidity":{"value":41,"type":"Number","metadata":{}}}]}""",
        "R1-humidity humidity 40 %|R2-humidity humidity 41 %", "")]
    [InlineData("""{"id":"urn:ngsi-ld:Room:1","type":"Room","temperature":{"type":"Property","value":70.7,"unitCode":"FAH","observedAt":"2026-01-31T12:00:00Z"},"noise":{"type":"Property","value":48,"unitCode":"2N","observedAt":"2026-01-31T12:00:00Z"},"@context":["https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"]}""",
        "urn:ngsi-ld:Room:1-noise noise 48 dB|urn:ngsi-ld:Room:1-temperature temperature 70.7 °F", "")]
    // Azure: a job's output, Event Grid with the body in base64 or as text, and IoT Central.
    [InlineData("""{"temperature":21.5,"EventProcessedUtcTime":"2026-01-31T12:00:05Z","PartitionId":0,"EventEnqueuedUtcTime":"2026-01-31T12:00:00Z","IoTHub":{"ConnectionDeviceId":"d1"}}""", "d1-temperature temperature 21.5 °C", "")]
    [InlineData("""{"eventType":"Microsoft.Devices.DeviceTelemetry","eventTime":"2026-01-31T12:00:00Z","data":{"properties":{},"systemProperties":{"iothub-connection-device-id":"d1"},"body":"eyJ0ZW1wZXJhdHVyZSI6MjEuNX0="}}""", "d1-temperature temperature 21.5 °C", "")]
    [InlineData("""{"EnqueuedTimeUtc":"2026-01-31T12:00:00Z","SystemProperties":{"connectionDeviceId":"d1"},"Body":"{\"temperature\":21.5}"}""", "d1-temperature temperature 21.5 °C", "")]
    [InlineData("""{"body":{"temperature":21.5},"systemProperties":{"iothub-connection-device-id":"d1","iothub-enqueuedtime":"2026-01-31T12:00:00Z"},"properties":{}}""", "d1-temperature temperature 21.5 °C", "")]
    [InlineData("""{"deviceId":"d1","enqueuedTime":"2026-01-31T12:00:00Z","messageSource":"telemetry","telemetry":{"temperature":21.5}}""", "d1-temperature temperature 21.5 °C", "")]
    // Telegraf: fields with their units.
    [InlineData("""{"fields":{"temp_c":21.5,"load1":0.3},"name":"env","tags":{"device":"t1"},"timestamp":1769860800}""", "t1-temperature temperature 21.5 °C", "fields/load1")]
    // JSON as text.
    [InlineData(""" "{\"ts\":1769860800,\"temperature\":21.5}" """, "d-temperature temperature 21.5 °C", "")]
    [InlineData("""  "{\"timestamp\":\"2026-01-31T12:00:00Z\",\"sensor_id\":\"s\",\"sensor_type\":\"temperature\",\"value\":21.5,\"unit\":\"°C\"}" """, "s temperature 21.5 °C", "")]
    public void Are_read_and_what_is_not_is_named(string message, string readings, string unread)
    {
        var parser = Parser("d");

        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal(readings.Split('|'), Readings(parser));
        var noted = _unread.TakeChanged();
        Assert.Equal(unread.Length == 0 ? [] : [unread], noted.Values.Distinct());
        Assert.Equal(unread.Length == 0 ? [] : readings.Split('|').Select(reading => reading.Split(' ')[0]).Distinct().Order(), noted.Keys.Order());
        Assert.Equal(Rejection.None, Parse(parser, message));
        Assert.Equal(readings.Split('|'), Readings(parser));
        Assert.Empty(_unread.TakeChanged());
    }

    [Theory]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"co2":417,"temp_F":70}""", "co2, temperature")]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"a/b~c":417}""", "a~1b~0c")]
    public void What_is_not_read_is_named_as_the_settings_name_members(string message, string names)
    {
        Assert.Equal(Rejection.None, Parse(Parser("d"), message));
        Assert.Equal([names], _unread.TakeChanged().Values);
    }

    [Theory]
    [InlineData("""{"ts":1769860800,"temperature":21.5,"CO2":417,"flow":3}""", "d-co2 co2 417 ppm|d-flow flow 3 l/min|d-temperature temperature 21.5 °C")]
    [InlineData("""{"ts":1769860800,"temperature":71,"pressure":101325}""", "d-pressure pressure 101325 hPa|d-temperature temperature 71 °C")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"flow","value":3}""", "s flow 3 l/min")]
    public void A_unit_in_the_settings_makes_a_number_a_sensor(string message, string readings)
    {
        var rules = new DetectionRules(new DetectionOptions { Types = { ["flow"] = new RuleOptions { Unit = "l/min" } } });
        var parser = Parser("d", new MessagesOptions { Mapping = new MappingOptions { Units = new() { ["co2"] = "ppm", ["pressure"] = "hPa" } } }, rules.UnitOf);

        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal(readings.Split('|'), Readings(parser));
        Assert.Empty(_unread.TakeChanged());
    }

    [Fact]
    public void So_does_one_of_a_number_within_a_form()
    {
        var parser = Parser("d", new MessagesOptions { Mapping = new MappingOptions { Units = new() { ["Total"] = "kWh" } } });

        Assert.True(Parse(parser, """{"Time":"2026-01-31T12:00:00","ENERGY":{"Total":3.185,"Power":12}}""") == Rejection.None, parser.Detail);
        Assert.Equal(["d-Total Total 3.185 kWh", "d-energy energy 12 W"], Readings(parser));
    }

    [Fact]
    public void A_type_that_is_added_while_it_runs_is_read_from_then_on()
    {
        var rules = new DetectionRules(new DetectionOptions());
        var parser = Parser("d", new MessagesOptions(), rules.UnitOf);
        const string Message = """{"ts":1769860800,"temperature":21.5,"flow":3}""";

        Assert.Equal(Rejection.None, Parse(parser, Message));
        Assert.Equal(["d-temperature temperature 21.5 °C"], Readings(parser));
        rules.Replace(new DetectionOptions { Types = { ["flow"] = new RuleOptions { Unit = "l/min" } } });
        Assert.Equal(Rejection.None, Parse(parser, Message));
        Assert.Equal(["d-flow flow 3 l/min", "d-temperature temperature 21.5 °C"], Readings(parser));
    }

    [Fact]
    public void Time_and_id_that_the_settings_name_count_for_them()
    {
        var parser = Parser("", new MessagesOptions { Mapping = new MappingOptions { Time = "when", Id = "box" } });

        Assert.True(Parse(parser, """{"when":1769860800,"box":"b","temperature":21.5,"humidity_pct":40}""") == Rejection.None, parser.Detail);
        Assert.Equal(["b-humidity humidity 40 %", "b-temperature temperature 21.5 °C"], Readings(parser));
    }

    [Theory]
    [InlineData("hall/temperature", "23.5", "hall/temperature temperature 23.5 °C")]
    [InlineData("shellies/ht-1/sensor/humidity", " 40\n", "shellies/ht-1/sensor/humidity humidity 40 %")]
    [InlineData("hall/sensor/temperature/state", "\"-3.5\"", "hall/sensor/temperature/state temperature -3.5 °C")]
    [InlineData("\"plant.co2_ppm\"", "417", "plant.co2_ppm co2 417 ppm")]
    public void A_number_alone_is_a_reading_of_its_key(string key, string message, string reading)
    {
        var parser = Parser(key, new MessagesOptions { RecordTime = true });

        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal([reading], Readings(parser));
        Assert.Equal(PostgresTime.OfRecord, parser.Reading.Timestamp);
    }

    [Theory]
    [InlineData(false, "hall/temperature", "23.5", "missing_field", "The message is the number 23.5 alone, and has no time: set Consumers:Messages:RecordTime=true, and that of its record counts")]
    [InlineData(true, "", "23.5", "missing_field", "The message is the number 23.5 alone, and has no sensor id: send it with that as the record's key; no sensor type: set Consumers:Messages:Mapping:DefaultType, or end the key with a type, as hall/temperature")]
    [InlineData(true, "hall/7", "\"23.5\"", "missing_field", "The message is the number 23.5 alone, and has no sensor type: set Consumers:Messages:Mapping:DefaultType, or end the key with a type, as hall/temperature")]
    [InlineData(true, "hall/temperature", "\"on\"", "malformed_json", "The message is a text: it must be one JSON object")]
    [InlineData(true, "hall/temperature", "1e999", "malformed_json", "The message is a number: it must be one JSON object")]
    [InlineData(false, "d", """{"ts":1769860800,"temperature":null,"humidity":null}""", "no_value", "Read as values by their names. humidity: The value is null, which is none: it must be a finite number")]
    [InlineData(false, "d", """{"ts":1769860800,"values":{"temp_C":null}}""", "no_value", "Read as values by their names. values/temp_C: The value is null, which is none: it must be a finite number")]
    [InlineData(false, "d", """{"Time":"2026-01-31T12:00:00","AM2301":{"Temperature":null,"Humidity":null},"TempUnit":"C"}""", "no_value", "Read as Tasmota's telemetry. AM2301/Humidity: The value is null, which is none: it must be a finite number")]
    [InlineData(false, "d", """{"entity_id":"sensor.hall","state":null,"attributes":{"device_class":"temperature"},"last_changed":"2026-01-31T12:00:00+00:00"}""", "no_value", "Read as a state of Home Assistant. The value is null, which is none: it must be a finite number. Where another member holds it, name that in Consumers:Messages:Mapping:Value")]
    [InlineData(false, "d", """{"fields":{"value":null},"name":"temperature","tags":{},"timestamp":1769860800}""", "no_value", "Read as Telegraf's JSON. fields/value: The value is null, which is none: it must be a finite number")]
    [InlineData(false, "d", """{"MessageType":"ua-data","Messages":[{"Timestamp":"2026-01-31T12:00:00Z","Payload":{"Temperature":{"Value":null}}}]}""", "no_value", "Read as OPC UA PubSub's JSON. Messages/0/Payload/Temperature: The value is null, which is none: it must be a finite number")]
    [InlineData(false, "d", """{"ts":1769860800,"values":{"temperature":"hot"}}""", "wrong_type", "Read as values by their names. values/temperature: Cannot read the value \"hot\"")]
    [InlineData(false, "d", """[{"ts":1769860800,"temperature":1},{"ts":1769860800,"temp_C":"hot"}]""", "wrong_type", "Read as values by their names. Element [1]: temp_C: Cannot read the value \"hot\"")]
    [InlineData(false, "d", """{"ts":1769860800,"temperature":21.5,"pressure":101325}""", "missing_field", "Read as values by their names. The pressure 101325 at pressure has no unit, and could be in hPa, Pa, kPa or bar: name it in Consumers:Messages:Mapping:Units:pressure, as Pa")]
    [InlineData(false, "d", """{"ts":1769860800,"pressure":5000,"dataFormat":5}""", "missing_field", "Read as a RuuviTag's values. The pressure 5000 at pressure has no unit")]
    [InlineData(false, "d", """{"id":"urn:ngsi-ld:Room:1","type":"Room","temperature":21.5}""", "missing_field", "Read as an entity of NGSI. The message has no time (timestamp)")]
    [InlineData(false, "d", """{"ts":1769860800,"seq":3,"level":21.5}""", "missing_field", "It holds numbers at level: one is named as Consumers:Messages:Mapping:Value=level, several as Consumers:Messages:Mapping:Values:{type}=level")]
    [InlineData(false, "d", """{"ts":1769860800,"pressure":1.013}""", "missing_field", "The pressure 1.013 at pressure has no unit")]
    [InlineData(false, "d", """{"ts":1769860800,"temperature":71,"unit":"°F"}""", "missing_field", "no sensor type")]
    [InlineData(false, "", """{"type":"PropertyValueUpdate","payload":{"assetId":"a","propertyId":"p","values":[{"timestamp":{"timeInSeconds":1769860800},"quality":"GOOD","value":{"doubleValue":21.5}}]}}""",
        "missing_field", "Read as values of AWS IoT SiteWise. The message has no sensor type (sensor_type): its members are type, payload. Name the member that holds it in Consumers:Messages:Mapping:Type, or set Consumers:Messages:Mapping:DefaultType")]
    [InlineData(false, "", """{"timestamp":"yesterday","unixtime":1769860800,"sensor_id":"s","sensor_type":"temperature","val":21.5}""", "invalid_timestamp", "Cannot read the time \"yesterday\"")]
    [InlineData(false, "", """{"ts":1769860800,"temperature":1}""", "missing_field", "has no sensor id (sensor_id), and its record no key: its members are ts, temperature")]
    public void Else_it_is_refused_with_the_place_and_what_to_set(bool recordTime, string key, string message, string reason, string detail)
    {
        var parser = Parser(key, new MessagesOptions { RecordTime = recordTime });

        Assert.Equal(reason, Rejections.NameOf(Parse(parser, message)));
        Assert.Contains(detail, parser.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_null_where_the_settings_say_a_value_is_is_none()
    {
        var parser = Parser("d", new MessagesOptions { Mapping = new MappingOptions { Values = new() { ["temperature"] = "temp", ["humidity"] = "hum" } } });

        Assert.Equal(Rejection.NoValue, Parse(parser, """{"ts":1769860800,"temp":null}"""));
        Assert.Equal("The value of temperature is null, which is none: it must be a finite number. Where another member holds it, name that in Consumers:Messages:Mapping:Values:temperature", parser.Detail);
    }

    [Theory]
    [InlineData("low", false)]
    [InlineData("true", true)]
    [InlineData("false", true)]
    [InlineData("0", true)]
    [InlineData("2", true)]
    [InlineData("purple", false)]
    [InlineData("1", false)]
    public void A_level_that_means_two_things_is_refused_with_what_is_allowed(string level, bool isBare)
    {
        var parser = Parser("d");
        var written = isBare ? level : $"\"{level}\"";

        Assert.Equal(Rejection.InvalidAlertLevel, Parse(parser, $$"""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":1,"unit":"°C","alert_level":{{written}}}"""));
        Assert.StartsWith($"Cannot read the alert level {written}: it must be normal, warning or critical, or a usual word for these (", parser.Detail, StringComparison.Ordinal);
        Assert.EndsWith("Consumers:Messages:Mapping:AlertLevel", parser.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lo", 1)]
    [InlineData("LoLo", 2)]
    [InlineData("low-low", 2)]
    [InlineData("off", 0)]
    [InlineData("no alarm", 0)]
    [InlineData("", null)]
    [InlineData("n/a", null)]
    public void Other_words_for_a_level(string word, int? level)
    {
        var parser = Parser("d");
        var message = $$"""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"temperature","value":1,"unit":"°C","alert_level":"{{word}}"}""";

        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal(level, parser.Reading.HasLevel ? (int)parser.Reading.Level : null);
    }

    [Fact]
    public void A_name_as_long_as_no_id_can_be_ends_nothing()
    {
        var parser = Parser("d");
        Assert.Equal(Rejection.TooLong, Parse(parser, $$"""{"Time":"2026-01-31T12:00:00","{{new string('x', 300)}}":{"Temperature":1},"B":{"Temperature":2},"TempUnit":"C"}"""));
        Assert.Equal(Rejection.None, Parse(parser, $$"""{"ts":1769860800,"temperature":1,"{{new string('y', 5000)}}_C":3}"""));
        Assert.Equal(Rejection.TooLong, Parse(Parser(new string('k', 250)), """{"ts":1769860800,"temperature":1}"""));
    }

    [Fact]
    public void A_member_named_as_the_array_that_the_values_are_written_to_is_none()
    {
        var parser = Parser("d");
        Assert.Equal(Rejection.None, Parse(parser, """{"ts":1769860800,":readings":[{"value":99,"sensor_type":"pressure"}],"temperature":1}"""));
        Assert.Equal(["d-temperature temperature 1 °C"], Readings(parser));
    }

    private ReadingParser Parser(string key, MessagesOptions? options = null, Func<string, string?>? ownUnits = null)
    {
        _key.Deserialize(Encoding.UTF8.GetBytes(key), isNull: key.Length == 0, SerializationContext.Empty);
        return new ReadingParser(new SensorDirectory(1000), _key, new DialectReader(options ?? new MessagesOptions(), ownUnits), unread: _unread);
    }

    private static Rejection Parse(ReadingParser parser, string message) => parser.Parse(Encoding.UTF8.GetBytes(message));

    private static List<string> Readings(ReadingParser parser) => [.. (parser.Several.IsEmpty ? [parser.Reading] : parser.Several.ToArray()).Select(reading => string.Create(
        CultureInfo.InvariantCulture, $"{reading.Sensor.Identity.Name} {reading.Sensor.Type} {reading.Value} {reading.Sensor.Unit}"))];
}
