using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Sensors;
using FactoryMonitoring.Sensors.Publishing;
using Json.Schema;

namespace FactoryMonitoring.Tests.Unit.Monitoring;

/// <summary>The schema that the API serves, the documentation and the consumers agree on what a reading is.</summary>
public sealed class ReadingSchemaTests
{
    private static readonly EvaluationOptions Options = new() { OutputFormat = OutputFormat.List, RequireFormatValidation = true };
    private static readonly JsonSchema Schema = Read();

    [Fact]
    public void What_our_own_sensors_send_is_valid()
    {
        using var json = new ReadingJson();
        foreach (var type in SensorCatalog.Types.Values)
        {
            var sensor = new Sensor(0, $"{type.IdPrefix}-sensor-001", type, new Thresholds(type.Warning, type.Critical), new SensorLocation("production", "machine-001", "zone-a"));
            AssertValid(Encoding.UTF8.GetString(json.Write(new Sample(sensor, type.Base, default, "2013-12-02 21:15:00"), new(1, "q"), DateTime.UnixEpoch)));
        }
    }

    [Fact]
    public void The_documents_examples_are_valid()
    {
        var document = Repository.Read("docs", "messages.md");
        var examples = Regex.Matches(document, "```json\n(.*?)```", RegexOptions.Singleline);

        Assert.Equal(2, examples.Count);
        foreach (Match example in examples) AssertValid(example.Groups[1].Value);
    }

    [Fact]
    public void The_document_names_every_reason_of_a_rejection()
    {
        var document = Repository.Read("docs", "messages.md");

        Assert.All(Enum.GetValues<Rejection>().Where(each => each is not (Rejection.None or Rejection.AwaitsSchema)), each => Assert.Contains($"| `{Rejections.NameOf(each)}` |", document, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"timestamp":"2026-01-31 12:00:00","sensor_id":"s","sensor_type":"t","value":1,"unit":"u"}""")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"","sensor_type":"t","value":1,"unit":"u"}""")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"t","value":"1","unit":"u"}""")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"t","value":1}""")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"t","value":1,"unit":"u","alert_level":"ok"}""")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"t","value":1,"unit":"u","metadata":{"reading_count":1.5}}""")]
    [InlineData("""{"timestamp":"2026-01-31T12:00:00Z","sensor_id":"s","sensor_type":"t","value":1,"unit":"a unit of more than thirty-two letters"}""")]
    public void What_only_the_second_reader_takes_is_not_valid(string message) => Assert.False(Schema.Evaluate(JsonNode.Parse(message), Options).IsValid);

    private static void AssertValid(string message)
    {
        var result = Schema.Evaluate(JsonNode.Parse(message), Options);
        Assert.True(result.IsValid, $"{message}: {string.Join("; ", result.Details.Where(detail => detail.HasErrors).SelectMany(detail => detail.Errors!.Values))}");
        var parser = new ReadingParser(new SensorDirectory(10), new KeyMemory(), new DialectReader(new MessagesOptions()));
        Assert.True(parser.Parse(Encoding.UTF8.GetBytes(message)) == Rejection.None, parser.Detail);
    }

    private static JsonSchema Read()
    {
        using var resource = typeof(MonitoringApi).Assembly.GetManifestResourceStream("reading.json")!;
        using var reader = new StreamReader(resource);
        // Replaces the address, because the address of the served schema has no host.
        return JsonSchema.FromText(reader.ReadToEnd().Replace("\"/api/schemas/reading.json\"", "\"https://factory.test/api/schemas/reading.json\"", StringComparison.Ordinal));
    }
}
