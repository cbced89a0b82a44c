using System.Diagnostics;
using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>The producers of docs/messages.md, run exactly as documented, against Apache Kafka and a consumer.</summary>
public sealed partial class DocumentedProducerTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private readonly KafkaBroker _broker = new();

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await _broker.StartAsync(Timeout);
        foreach (var (name, partitions) in KafkaNames.Default.Topics(sensorPartitions: 2))
        {
            await _broker.CreateTopicAsync(name, partitions);
        }
    }

    public override async Task DisposeAsync()
    {
        await _broker.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task The_console_producer_sends_what_it_says_and_what_Telegraf_and_Zigbee2MQTT_send()
    {
        await using var consumer = ServiceProcess.Start("Consumers", new()
        {
            ["KAFKA_BROKERS"] = _broker.BootstrapServers, ["DATABASE_URL"] = Database.UrlOf(DatabaseRoles.Ingest), ["CONSUMER_ID"] = "c1", ["Consumers__Messages__RecordTime"] = "true",
        });
        var example = ShellBlocks().Matches(Repository.Read("docs", "messages.md")).Select(match => match.Groups[1].Value).Single(block => block.Contains("kafka-console-producer.sh", StringComparison.Ordinal));
        await RunAsync(example);

        // Outputs of Telegraf: data_format json with routing_tag host, and influx. Also what Zigbee2MQTT sends, which has no time unless configured.
        const string Telegraf = """
            hall|{"battery":91,"linkquality":84,"temperature":19.5}
            h1|{"fields":{"temperature":20.5,"humidity":40},"name":"env","tags":{"host":"h1"},"timestamp":1769860800000000}
            h2|env,host=h2 temperature=22.5,humidity=41i 1769860800000000000
            """;
        await RunAsync($"cat <<'END' | {example[example.IndexOf("kafka-console-producer.sh", StringComparison.Ordinal)..]}\n{Telegraf}\nEND".Replace("'|'\n", "'|'", StringComparison.Ordinal));

        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) >= 6 FROM readings", Timeout));
        Assert.Equal(
            [["h1-env-humidity", "humidity", 40.0, "%"], ["h1-env-temperature", "temperature", 20.5, "°C"], ["h2-env-humidity", "humidity", 41.0, "%"], ["h2-env-temperature", "temperature", 22.5, "°C"], ["hall-temperature", "temperature", 19.5, "°C"], ["my-1", "temperature", 21.5, "°C"]],
            await Database.RowsAsync("SELECT sensor_id, sensor_type, value, unit FROM sensor_readings ORDER BY sensor_id COLLATE \"C\"", Timeout));
        Assert.Equal([[true]], await Database.RowsAsync("SELECT timestamp BETWEEN processing_timestamp - interval '1 min' AND processing_timestamp FROM sensor_readings WHERE sensor_id = 'hall-temperature'", Timeout));
        Assert.Empty(await Database.RowsAsync("SELECT detail FROM rejected_messages", Timeout));

        // The other members of the messages are recorded for the pages.
        await EventuallyAsync(async () => await Database.ScalarAsync<bool>("SELECT count(*) = 1 FROM unread_members", Timeout));
        Assert.Equal([["hall-temperature", "battery, linkquality"]], await Database.RowsAsync("SELECT sensor_id, names FROM unread_members", Timeout));
    }

    private async Task RunAsync(string example)
    {
        var script = example.Replace("localhost:9092", _broker.BootstrapServers, StringComparison.Ordinal);
        Assert.NotEqual(example, script);
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script]) { RedirectStandardError = true };
        start.Environment["PATH"] = $"{Path.Combine(Environment.GetEnvironmentVariable("KAFKA_HOME")!, "bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        using var process = Process.Start(start)!;
        var errors = await process.StandardError.ReadToEndAsync(Timeout);
        await process.WaitForExitAsync(Timeout);
        Assert.True(process.ExitCode == 0, errors);
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlocks();
}
