using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting.Testing;
using Xunit.Abstractions;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>
/// Runs shipped experiments as a person does; their reports are kept in artifacts/experiments. What is counted must hold, and what is timed
/// must have been measured: whether it was quick enough is said by the report, on a machine that does nothing else.
/// </summary>
public abstract class Experiments(FactoryStack stack, ITestOutputHelper output)
{
    protected async Task HoldsAsync(string name)
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        using var api = stack.App.CreateHttpClient("monitoring-api");
        using var started = await api.PostAsync(new Uri($"/api/experiments/{name}/run", UriKind.Relative), null);
        Assert.True(started.IsSuccessStatusCode, await started.Content.ReadAsStringAsync());
        var id = (await started.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<long>();

        await Wait.ForAsync($"the verdict on {name}", TimeSpan.FromMinutes(5), async token => (await RunAsync(token))["verdict"]!.GetValue<string>(), verdict => verdict != "RUNNING");

        var report = await api.GetStringAsync(new Uri($"/api/experiments/runs/{id}/report.md", UriKind.Relative));
        output.WriteLine(report);
        var directory = Directory.CreateDirectory(Path.Combine(Root(), "artifacts", "experiments")).FullName;
        var run = await RunAsync(CancellationToken.None);
        var file = Path.Combine(directory, $"{run["kafka_backing"]}-{run["group_protocol"]}-{name}");
        await File.WriteAllTextAsync(file + ".md", report);
        await File.WriteAllTextAsync(file + ".json", await api.GetStringAsync(new Uri($"/api/experiments/runs/{id}/report.json", UriKind.Relative)));
        var checks = run["checks"]!.AsArray();
        Assert.NotEmpty(checks);
        Assert.All(checks, check => Assert.True(
            check!["unit"]!.GetValue<string>() == "ms" ? check["measured"] is not null : check["passed"]!.GetValue<bool>(), report));

        async Task<JsonNode> RunAsync(CancellationToken token) => JsonNode.Parse(await api.GetStringAsync(new Uri($"/api/experiments/runs/{id}", UriKind.Relative), token))!;
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "FactoryMonitoring.sln")))
        {
            directory = directory.Parent;
        }

        return directory.FullName;
    }
}

/// <summary>On Apache Kafka as three processes.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class ExperimentTests(ProcessesStack stack, ITestOutputHelper output) : Experiments(stack, output)
{
    [Fact]
    public Task A_killed_consumer_is_replaced() => HoldsAsync("consumer-killed");

    [Fact]
    public Task A_killed_broker_holds_up_no_reading_for_long() => HoldsAsync("broker-killed");

    [Fact]
    public Task A_killed_controller_holds_up_no_reading_for_long() => HoldsAsync("controller-killed");

    [Fact]
    public Task Consumers_that_come_and_go_hand_over_quickly() => HoldsAsync("scale");
}

/// <summary>On the embedded broker.</summary>
[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedExperimentTests(EmbeddedStack stack, ITestOutputHelper output) : Experiments(stack, output)
{
    [Fact]
    public Task A_killed_consumer_is_replaced() => HoldsAsync("consumer-killed");
}
