using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>Times in two members and in the forms of programs; and what is said of a message whose time is not found.</summary>
public sealed class TimesOfMessagesTests
{
    private readonly KeyMemory _key = new();

    [Theory]
    [InlineData("""{"date":"2026-01-31","time":"12:00:01","temperature":1}""", "2026-01-31T12:00:01")]
    [InlineData("""{"time":"12:00:01.5+01:00","Date":"2026/01/31","sensor":"s","sensor_type":"temperature","value":1}""", "2026-01-31T11:00:01.5")]
    [InlineData("""{"date":"20260131","time":"120001","temperature":1}""", "2026-01-31T12:00:01")]
    [InlineData("""{"values":{"temperature":1},"date":"2026-01-31","ts":"12:00"}""", "2026-01-31T12:00:00")]
    // A date beside a whole time is none of it.
    [InlineData("""{"date":"2027-02-01","time":"2026-01-31T12:00:00Z","temperature":1}""", "2026-01-31T12:00:00")]
    [InlineData("""{"date":"2027-02-01","time":"1769860800","temperature":1}""", "2026-01-31T12:00:00")]
    [InlineData("""{"date":"2027-02-01","ts":1769860800,"temperature":1}""", "2026-01-31T12:00:00")]
    // Go's default format, with its monotonic clock, and the dates of .NET's earlier JSON serializers.
    [InlineData("""{"ts":"2026-01-31 12:00:00.25 +0000 UTC m=+0.1","temperature":1}""", "2026-01-31T12:00:00.25")]
    [InlineData("""{"ts":"2026-01-31 12:00:00 +0100 CET m=+86400.000000001","temperature":1}""", "2026-01-31T11:00:00")]
    // A zone that is there twice: the same, or of a name that is not known, or of a name that is also another zone's.
    [InlineData("""{"ts":"2026-01-31T12:00:00-05:00 EST","temperature":1}""", "2026-01-31T17:00:00")]
    [InlineData("""{"ts":"2026-01-31T12:00:00+00:00Z","temperature":1}""", "2026-01-31T12:00:00")]
    [InlineData("""{"ts":"2026-01-31 12:00:00 +0300 +03 m=+0.1","temperature":1}""", "2026-01-31T09:00:00")]
    [InlineData("""{"ts":"2026-01-31 12:00:00 +0800 CST m=+0.1","temperature":1}""", "2026-01-31T04:00:00")]
    [InlineData("""{"ts":"2026-01-31T12:00:00+01:00[Europe/Berlin]","temperature":1}""", "2026-01-31T11:00:00")]
    [InlineData("""{"ts":"2026-01-31T12:00:00+05:30 IST","temperature":1}""", "2026-01-31T06:30:00")]
    [InlineData("""{"ts":"/Date(1769860800123)/","temperature":1}""", "2026-01-31T12:00:00.123")]
    [InlineData("""{"ts":"\/Date(1769860800000+0100)\/","temperature":1}""", "2026-01-31T12:00:00")]
    [InlineData("""{"ts":"/Date(5000)/","temperature":1}""", "1970-01-01T00:00:05")]
    public void Are_read(string message, string utc)
    {
        var parser = Parser();
        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
        Assert.Equal(DateTime.Parse(utc, CultureInfo.InvariantCulture), PostgresTime.ToUtc(parser.Reading.Timestamp));
    }

    [Theory]
    [InlineData("30.11.2026 13:30:00")]
    [InlineData("11/30/2026 13:30")]
    [InlineData("Nov 30, 2026 1:30:00 PM")]
    [InlineData("/Date(soon)/")]
    [InlineData("/Date(99999999999999999)/")]
    [InlineData("2026-01-31 12:00:00 m=")]
    [InlineData("yesterday")]
    // Two zones.
    [InlineData("2026-01-31T12:00:00+01:00Z")]
    [InlineData("2026-01-31T12:00:00+01:00 EST")]
    [InlineData("2026-01-31T12:00:00+01:00[UTC]")]
    [InlineData("2026-01-31T12:00:00+01:00+0200")]
    [InlineData("2026-01-31T12:00:00+08:00 PDT")]
    [InlineData("Sat Jan 31 23:59:59 +0100 GMT 2026")]
    public void A_text_that_no_setting_reads_is_called_so(string time)
    {
        var parser = Parser();
        Assert.Equal(Rejection.InvalidTimestamp, Parse(parser, $$"""{"ts":"{{time}}","temperature":1}"""));
        Assert.Contains($"Cannot read the time \"{time}\": no setting reads this form. Send it as 2026-01-31T23:59:59.123Z, or as seconds", parser.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"time":"13:36:06","temperature":1}""")]
    [InlineData("""{"time":"13:36:06","date":"30.11.2026","temperature":1}""")]
    [InlineData("""{"day":"2026-11-30","time":"13:36","temperature":1}""")]
    public void A_time_of_day_alone_is_called_so(string message)
    {
        var parser = Parser();
        Assert.Equal(Rejection.InvalidTimestamp, Parse(parser, message));
        Assert.Contains("it is a time of day, and no member date holds its date as 2026-01-31. Send it as 2026-01-31T23:59:59.123Z", parser.Detail, StringComparison.Ordinal);
    }

    [Theory]
    // A platform's time is known: something else is missing.
    [InlineData("""{"end_device_ids":{"device_id":"d"},"received_at":"2026-01-31T12:00:00Z","uplink_message":{"decoded_payload":{"level_1":21.5}}}""", "The message has no sensor type", "It holds numbers at uplink_message/decoded_payload/level_1")]
    [InlineData("""{"src":"b","method":"NotifyStatus","params":{"ts":1769860800.5,"bthomesensor:200":{"id":200,"value":21.5}}}""", "no sensor type", "It holds numbers at params/bthomesensor:200/value")]
    [InlineData("""{"unixtime":1769860800,"thermostats":[{"pos":40.5,"target_t":{"value":21.5}}]}""", "no sensor type", "It holds numbers at thermostats/0/pos")]
    // Another one is named as a setting names it, and so are the numbers.
    [InlineData("""{"event_type":"state_changed","data":{"entity_id":"sensor.hall","new_state":{"state":"21.5","last_changed":"2026-01-31T12:00:00+00:00"}}}""", "no time (timestamp)", "It holds times at data/new_state/last_changed: one is named as Consumers:Messages:Mapping:Time=data/new_state/last_changed")]
    [InlineData("""{"DevEUI_uplink":{"Time":"2026-01-31T12:00:00+01:00","DevEUI":"d","payload":{"temperature":21}}}""", "It holds times at DevEUI_uplink/Time: one is named as Consumers:Messages:Mapping:Time=DevEUI_uplink/Time", "It holds numbers at DevEUI_uplink/payload/temperature")]
    [InlineData("""{"reported_at":1769860800000,"decoded":{"payload":{"temperature":21}}}""", "Consumers:Messages:Mapping:Time=reported_at", "It holds numbers at decoded/payload/temperature")]
    [InlineData("""{"seq":1,"vals":[{"id":"101","ts":"2026-01-31T12:00:00Z","val":21.5}]}""", "It holds times at vals/0/ts. It holds numbers at vals/0/val: where each element of vals is a reading, set Consumers:Messages:Mapping:Readings=vals", "no time (timestamp)")]
    [InlineData("""{"timestamp":{"$date":"2026-01-31T12:00:00Z"},"temperature":1}""", "Cannot read the time an object: it must be text or a number", "It holds times at timestamp/$date: one is named as Consumers:Messages:Mapping:Time=timestamp/$date")]
    [InlineData("""{"timestamp":{"$date":{"$numberLong":"1769860800000"}},"sensor_id":"s","sensor_type":"temperature","value":1}""", "Mapping:Time=timestamp/$date/$numberLong", "Cannot read the time an object")]
    public void What_was_found_is_named(string message, params string[] words)
    {
        var parser = Parser();
        for (var i = 0; i < 2; i++)
        {
            Assert.NotEqual(Rejection.None, Parse(parser, message));
            foreach (var word in words)
            {
                Assert.Contains(word, parser.Detail, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("""{"id":"x","serial":1769860800,"temp":21.5}""")]
    [InlineData("""{"uptime":12345,"lifetime":5,"version":"2026-01-31","temp":21.5}""")]
    [InlineData("""{"update":"no","candidate":7,"temp":21.5}""")]
    public void No_other_number_or_text_is_called_a_time(string message)
    {
        var parser = Parser();
        Assert.Equal(Rejection.MissingField, Parse(parser, message));
        Assert.Contains("no time (timestamp)", parser.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("It holds times", parser.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("timestamp/$date", """{"timestamp":{"$date":"2026-01-31T12:00:00Z"},"temperature":1}""")]
    [InlineData("DevEUI_uplink/Time", """{"DevEUI_uplink":{"Time":"2026-01-31T12:00:00Z"},"temperature":1}""")]
    public void The_setting_that_is_named_reads_it(string time, string message)
    {
        _key.Deserialize("k"u8, isNull: false, SerializationContext.Empty);
        var parser = new ReadingParser(new SensorDirectory(100), _key, new DialectReader(new MessagesOptions { Mapping = new MappingOptions { Time = time } }));
        Assert.True(Parse(parser, message) == Rejection.None, parser.Detail);
    }

    private ReadingParser Parser()
    {
        _key.Deserialize("k"u8, isNull: false, SerializationContext.Empty);
        return new ReadingParser(new SensorDirectory(100), _key, new DialectReader(new MessagesOptions()));
    }

    private static Rejection Parse(ReadingParser parser, string message) => parser.Parse(Encoding.UTF8.GetBytes(message));
}
