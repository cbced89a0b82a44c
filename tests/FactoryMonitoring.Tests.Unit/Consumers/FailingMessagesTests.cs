using System.Reflection;
using System.Text;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>Nothing that a message contains makes the deserializer throw: the client would drop the message.</summary>
public sealed class FailingMessagesTests
{
    private const int Mutations = 30_000;

    /// <summary>What a mutation puts into a message: the ends of ranges, and what ends or begins a token.</summary>
    private static readonly string[] Extremes =
    [
        "9999-12-31T24:00:00", "9999-12-31T23:59:60", "9999-12-31", "0001-01-01T00:00:00", "0000-00-00", "24:00:00", "+14:00", "-14:00", "Z", "9223372036854775807",
        "-9223372036854775808", "79228162514264337593543950335", "-79228162514264337593543950335", "1e308", "1e-400", "1e999", "253402300799", "-62135596800", "99999999999999999999",
        "0", "-0", "", "null", "NaN", "true", "{", "}", "[", "]", "\"", "\\", "\\u0000", "\\ud800", "\\u", "\0", "\uFEFF", " ", ",", ":", "=", "°", "\uFFFD", "\n", "i", "/", "~",
        "org.apache.kafka.connect.data.Date", "org.apache.kafka.connect.data.Decimal", "io.debezium.time.MicroTimestamp", "specversion", "data_base64", "payload", "bt", "bv",
    ];

    private readonly KeyMemory _key = new();

    [Theory]
    [InlineData("invalid_timestamp", """{"timestamp":"9999-12-31T24:00:00","sensor_id":"s","sensor_type":"t","value":1,"unit":"u","metadata":{"reading_count":7,"sequence_id":"q"}}""")]
    [InlineData("invalid_timestamp", """{"timestamp":"9999-12-31T23:59:60","sensor_id":"s","sensor_type":"t","value":1,"unit":"u","metadata":{"reading_count":7,"sequence_id":"q"}}""")]
    [InlineData("invalid_timestamp", """{"timestamp":"9999-12-31 24:00","sensor_id":"s","sensor_type":"t","value":1,"unit":"u","metadata":{"reading_count":7,"sequence_id":"q"}}""")]
    [InlineData("invalid_timestamp", """{"timestamp":"31 Dec 9999 24:00:00","sensor_id":"s","sensor_type":"t","value":1,"unit":"u","metadata":{"reading_count":7,"sequence_id":"q"}}""")]
    [InlineData("invalid_timestamp", """[{"timestamp":"9999-12-31T24:00:00","sensor_id":"s","sensor_type":"t","value":1,"unit":"u","metadata":{"reading_count":7,"sequence_id":"q"}}]""")]
    [InlineData("invalid_timestamp", """{"schema":{"type":"struct","fields":[{"field":"timestamp","name":"org.apache.kafka.connect.data.Date"}]},"payload":{"timestamp":9223372036854775807,"sensor_id":"s","sensor_type":"t","value":1,"unit":"u","metadata":{"reading_count":7,"sequence_id":"q"}}}""")]
    public void A_time_beyond_the_last_is_a_dead_letter_that_the_account_counts(string reason, string message)
    {
        foreach (var zone in (string[])["UTC", "America/New_York", "Asia/Tokyo"])
        {
            var parser = new ReadingParser(new SensorDirectory(100), _key, new DialectReader(new MessagesOptions { TimeZone = zone }));

            Assert.Equal((reason, "s", "q", 7L), (Rejections.NameOf(Deserialize(parser, Encoding.UTF8.GetBytes(message))), parser.SensorId, parser.SequenceId, parser.ReadingCount));
            Assert.Equal(message, Encoding.UTF8.GetString(parser.Rejected.Bytes!));
        }
    }

    [Theory]
    [InlineData("9999-12-31T23:59:59.9999999", 253_402_300_799_999)]
    [InlineData("9999-12-31T24:00:00+01:00", 253_402_297_200_000)]
    [InlineData("0001-01-01T00:00:00", -62_135_596_800_000)]
    public void The_last_and_the_first_time_are_read(string time, long milliseconds)
    {
        var parser = Parser();

        Assert.Equal(Rejection.None, Deserialize(parser, Encoding.UTF8.GetBytes($$"""{"timestamp":"{{time}}","sensor_id":"s","sensor_type":"t","value":1,"unit":"u"}""")));
        Assert.Equal(milliseconds, new DateTimeOffset(PostgresTime.ToUtc(parser.Reading.Timestamp)).ToUnixTimeMilliseconds());
        Assert.True(PostgresTime.IsPossible(milliseconds));
    }

    [Theory]
    [InlineData(253_402_300_800_000)]
    [InlineData(-62_135_596_800_001)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void A_records_timestamp_may_be_no_time(long milliseconds) => Assert.False(PostgresTime.IsPossible(milliseconds));

    [Fact]
    public void A_failure_that_nobody_has_foreseen_is_a_dead_letter_that_says_what_happened()
    {
        var parser = Parser();
        Assert.Equal(Rejection.None, Deserialize(parser, """{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"before","sensor_type":"t","value":1,"unit":"u","metadata":{"reading_count":7}}"""u8));
        _key.Deserialize("key"u8, isNull: false, SerializationContext.Empty);

        var rejection = parser.Fail("x"u8, isNull: false, new FormatException("beyond"));

        Assert.Equal("invalid_value", Rejections.NameOf(rejection));
        Assert.Equal(("key", null, null), (parser.SensorId, parser.SequenceId, parser.ReadingCount));
        Assert.Contains("FormatException: beyond", parser.Detail, StringComparison.Ordinal);
        Assert.Equal("x"u8.ToArray(), parser.Rejected.Bytes);
    }

    [Fact]
    public void No_mutation_of_a_known_form_makes_the_deserializer_throw()
    {
        var random = new Random(14);
        byte[][] forms = [.. KnownMessages().Distinct().Select(Encoding.UTF8.GetBytes)];
        Assert.InRange(forms.Length, 50, 1_000);
        ReadingParser[] parsers =
        [
            Parser(),
            new(new SensorDirectory(1_000), _key, new DialectReader(new MessagesOptions { TimeZone = "America/New_York", RecordTime = true })),
            new(new SensorDirectory(1_000), _key, new DialectReader(new MessagesOptions { TimeZone = "Asia/Tokyo", CloudEventHeaders = true })),
        ];
        Headers headers = [new Header("ce_specversion", "1.0"u8.ToArray()), new Header("ce_source", "s"u8.ToArray()), new Header("ce_time", "9999-12-31T24:00:00"u8.ToArray())];
        for (var i = 0; i < Mutations; i++)
        {
            var message = Mutate(forms[random.Next(forms.Length)], forms, random);
            _key.Deserialize(random.Next(3) == 0 ? message.AsSpan(0, Math.Min(message.Length, 40)) : "k"u8, random.Next(5) == 0, SerializationContext.Empty);
            var parser = parsers[random.Next(parsers.Length)];
            var rejection = Rejection.None;

            var thrown = Record.Exception(() => rejection = parser.Deserialize(message, false, new SerializationContext(MessageComponentType.Value, "t", headers)));

            Assert.True(thrown is null, $"{thrown} at {Encoding.UTF8.GetString(message)}");
            // Each failure that this finds deserves a reason of its own.
            Assert.False(rejection != Rejection.None && parser.Detail.Contains("Cannot read the message (", StringComparison.Ordinal), $"{parser.Detail} at {Encoding.UTF8.GetString(message)}");
        }
    }

    private static byte[] Mutate(byte[] form, byte[][] forms, Random random)
    {
        var bytes = form.ToList();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(bytes.Count + 1);
            var length = Math.Min(random.Next(1, 24), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, length);
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 3:
                    var other = forms[random.Next(forms.Length)];
                    var from = random.Next(other.Length);
                    bytes.InsertRange(at, other[from..Math.Min(other.Length, from + 30)]);
                    break;
                default:
                    ReplaceToken(bytes, at, Encoding.UTF8.GetBytes(Extremes[random.Next(Extremes.Length)]));
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Replaces the letters and digits around a place, a number or a text, so that the message remains JSON.</summary>
    private static void ReplaceToken(List<byte> bytes, int at, byte[] by)
    {
        var (start, end) = (at, at);
        while (start > 0 && IsOfToken(bytes[start - 1]))
        {
            start--;
        }

        while (end < bytes.Count && IsOfToken(bytes[end]))
        {
            end++;
        }

        bytes.RemoveRange(start, end - start);
        bytes.InsertRange(start, by);
    }

    private static bool IsOfToken(byte character) => char.IsAsciiLetterOrDigit((char)character) || character is (byte)'.' or (byte)'-' or (byte)'+' or (byte)':';

    /// <summary>The messages of the other tests of this folder.</summary>
    private static IEnumerable<string> KnownMessages()
    {
        foreach (var method in new[] { typeof(KnownFormsTests), typeof(DialectTests), typeof(DoubtfulMessagesTests), typeof(NamedValuesTests), typeof(SeveralReadingsTests) }.SelectMany(type => type.GetMethods()))
        {
            foreach (var argument in method.CustomAttributes.Where(attribute => attribute.AttributeType == typeof(InlineDataAttribute))
                .SelectMany(attribute => (IReadOnlyCollection<CustomAttributeTypedArgument>)attribute.ConstructorArguments[0].Value!))
            {
                if (argument.Value is string { Length: > 10 } text && (text.Contains('{', StringComparison.Ordinal) || text.Contains('=', StringComparison.Ordinal)))
                {
                    yield return text;
                }
            }
        }

        foreach (var payload in (IEnumerable<object[]>)DialectTests.Payloads)
        {
            yield return (string)payload[2];
        }
    }

    private ReadingParser Parser() => new(new SensorDirectory(1_000), _key, new DialectReader(new MessagesOptions()));

    private static Rejection Deserialize(ReadingParser parser, ReadOnlySpan<byte> message) => parser.Deserialize(message, false, SerializationContext.Empty);
}
