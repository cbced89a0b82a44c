using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FactoryMonitoring.Tests.Telemetry;

public sealed partial class PrometheusTests(StackFixture stack) : StackTest(stack)
{
    private static readonly string Deploy = Path.Combine(Repository.Root, "deploy");

    /// <summary>Metrics that exist only after what they count has happened for the first time.</summary>
    private static readonly HashSet<string> OnOccasion =
        ["factory_dead_letters", "factory_rebalance_stall_duration_seconds", "db_client_operation_failed", "factory_alerts_raised"];

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("check", "rules", "rules/recording.yml", "rules/alerts.yml")]
    [InlineData("test", "rules", "tests/alerts.test.yml")]
    public async Task Promtool_finds_nothing_wrong(params string[] arguments)
    {
        using var promtool = Process.Start(new ProcessStartInfo("promtool", arguments)
        {
            WorkingDirectory = Path.Combine(Deploy, "prometheus"), RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var output = await promtool.StandardOutput.ReadToEndAsync(Timeout) + await promtool.StandardError.ReadToEndAsync(Timeout);
        await promtool.WaitForExitAsync(Timeout);

        Assert.True(promtool.ExitCode == 0, output);
    }

    [Fact]
    public async Task Prometheus_scrapes_every_service_and_computes_what_is_recorded()
    {
        await EventuallyAsync(async () =>
            StackFixture.Services.Order(StringComparer.Ordinal).SequenceEqual((await ValuesAsync("up == 1")).Keys.Order(StringComparer.Ordinal)));

        await EventuallyAsync(async () => (await ValuesAsync("factory:readings_stored:rate30s > 0 and factory:readings_acked:rate30s > 0")).Count == 1);
        await EventuallyAsync(async () => (await ValuesAsync("factory:e2e_seconds:p99 > 0")).Count == 1);
        await EventuallyAsync(async () => (await ValuesAsync("factory:lag:sum >= 0")).Count == 1);
    }

    [Fact]
    public async Task A_killed_consumer_is_alerted_of_until_it_is_back()
    {
        await EventuallyAsync(async () => (await ValuesAsync("up{instance=\"sensor-consumer-2\"} == 1")).Count == 1);

        await StackFixture.SignalAsync("-KILL", [Stack.ProcessOf("sensor-consumer-2")]);
        await EventuallyAsync(async () => (await FiringAsync("ConsumerDead")).SequenceEqual(["sensor-consumer-2"]));
        await Stack.CommandAsync("sensor-consumer-2", "start", Timeout);

        await EventuallyAsync(async () => (await FiringAsync("ConsumerDead")).Count == 0);
        await Stack.App.ResourceNotifications.WaitForResourceHealthyAsync("sensor-consumer-2", Timeout);
    }

    [Fact]
    public async Task Rules_and_dashboards_ask_only_for_what_is_measured()
    {
        var pages = await Task.WhenAll(StackFixture.Services.Select(ScrapeAsync));
        var measured = pages.SelectMany(page => page.Names).Concat(pages.SelectMany(page => page.Samples).SelectMany(sample => sample.Labels.Keys)).Append("up").Append("ALERTS")
            .Concat(File.ReadAllLines(Path.Combine(Deploy, "prometheus", "rules", "recording.yml"))
                .Where(line => line.Contains("record: ", StringComparison.Ordinal)).Select(line => line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..]))
            .ToHashSet();
        var asked = Directory.EnumerateFiles(Path.Combine(Deploy, "prometheus", "rules")).SelectMany(file => MetricName().Matches(File.ReadAllText(file)))
            .Concat(Directory.EnumerateFiles(Path.Combine(Deploy, "grafana", "dashboards")).SelectMany(Expressions).SelectMany(expression => MetricName().Matches(expression)))
            .Select(match => match.Value).Distinct();

        Assert.DoesNotContain(asked, name => !measured.Contains(name) && !OnOccasion.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Expressions(string dashboard)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(dashboard));
        foreach (var panel in document.RootElement.GetProperty("panels").EnumerateArray())
        {
            foreach (var target in panel.GetProperty("targets").EnumerateArray()) yield return target.GetProperty("expr").GetString()!;
        }
    }

    private async Task<List<string>> FiringAsync(string alert) =>
        [.. (await ValuesAsync($$"""ALERTS{alertname="{{alert}}",alertstate="firing"}""")).Keys.Order(StringComparer.Ordinal)];

    /// <summary>Returns the current result of the query, by instance.</summary>
    private async Task<Dictionary<string, double>> ValuesAsync(string query)
    {
        using var document = JsonDocument.Parse(await GetAsync("prometheus", $"/api/v1/query?query={Uri.EscapeDataString(query)}"));
        return document.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().ToDictionary(
            sample => sample.GetProperty("metric").TryGetProperty("instance", out var instance) ? instance.GetString()! : "",
            sample => double.Parse(sample.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"\b(?:(?:factory|kafka|messaging|db_client|http_server|dotnet)_\w+|(?:factory|instance|partition):\w+:\w+)\b")]
    private static partial Regex MetricName();
}
