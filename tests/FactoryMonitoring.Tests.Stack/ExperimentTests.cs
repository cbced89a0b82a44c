using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using Xunit.Abstractions;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>
/// Runs shipped experiments as a user does; their reports are kept in artifacts/experiments. On the embedded broker they must pass. On real brokers, whose
/// limits are tight on a machine that has other work, counted checks must hold and timed checks may take twice their limit: the report says whether they were
/// quick enough.
/// </summary>
public abstract class Experiments(FactoryStack stack, ITestOutputHelper output)
{
    protected FactoryStack Stack => stack;

    protected async Task PassesAsync(string name)
    {
        var (run, report) = await RunAsync(name);
        Assert.True(run["verdict"]!.GetValue<string>() == "PASS", report);
    }

    protected async Task HoldsAsync(string name)
    {
        var (run, report) = await RunAsync(name);
        var checks = run["checks"]!.AsArray();
        Assert.True(run["verdict"]!.GetValue<string>() is "PASS" or "FAIL", report);
        Assert.NotEmpty(checks);
        Assert.All(checks, check => Assert.True(
            check!["unit"]!.GetValue<string>() == "ms" ? check["measured"]?.GetValue<double>() <= 2 * check["limit"]!.GetValue<double>() : check["passed"]!.GetValue<bool>(), report));
    }

    /// <summary>Starts the experiment as the page does.</summary>
    /// <returns>The id of its run.</returns>
    protected virtual async Task<long> StartAsync(HttpClient lab, string name)
    {
        using var started = await lab.PostAsync(new Uri(LabRoutes.RunOf(name), UriKind.Relative), null);
        Assert.True(started.IsSuccessStatusCode, await started.Content.ReadAsStringAsync());
        return (await started.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<long>();
    }

    private async Task<(JsonNode Run, string Report)> RunAsync(string name)
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        using var lab = stack.App.CreateHttpClient(ResourceNames.FaultLab);
        var id = await StartAsync(lab, name);

        await Wait.ForAsync($"the verdict on {name}", TimeSpan.FromMinutes(5), async token => (await LookAsync(token))["verdict"]!.GetValue<string>(), verdict => verdict != "RUNNING");

        Assert.Equal(1, await stack.ScalarAsync<long>($"SELECT count(*) FROM audit_log WHERE who = 'fault lab' AND act = 'run the experiment {name}' AND done AND result = 'run {id} began'"));
        var report = await lab.GetStringAsync(new Uri($"/api/experiments/runs/{id}/report.md", UriKind.Relative));
        output.WriteLine(report);
        var directory = Directory.CreateDirectory(Repository.PathOf("artifacts", "experiments")).FullName;
        var run = await LookAsync(CancellationToken.None);
        var file = Path.Combine(directory, $"{run["kafka_backing"]}-{run["group_protocol"]}-{name}");
        await File.WriteAllTextAsync(file + ".md", report);
        await File.WriteAllTextAsync(file + ".json", await lab.GetStringAsync(new Uri($"/api/experiments/runs/{id}/report.json", UriKind.Relative)));
        return (run, run["verdict"]!.GetValue<string>() == "PASS" ? report : $"{report}{Environment.NewLine}{await stack.ConsumersSayAsync()}");

        async Task<JsonNode> LookAsync(CancellationToken token) => JsonNode.Parse(await lab.GetStringAsync(new Uri($"/api/experiments/runs/{id}", UriKind.Relative), token))!;
    }
}

/// <summary>Experiments on Apache Kafka as three processes.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class ExperimentTests(ProcessesStack stack, ITestOutputHelper output) : Experiments(stack, output)
{
    [Fact]
    public Task A_killed_consumer_is_replaced() => HoldsAsync("consumer-killed");

    [Fact]
    public Task A_frozen_consumer_is_replaced() => HoldsAsync("consumer-paused");

    [Fact]
    public Task A_killed_broker_holds_up_no_reading_for_long() => HoldsAsync("broker-killed");

    [Fact]
    public Task A_killed_controller_holds_up_no_reading_for_long() => HoldsAsync("controller-killed");

    [Fact]
    public Task Consumers_that_come_and_go_hand_over_quickly() => HoldsAsync("scale");
}

/// <summary>Experiments on the embedded broker.</summary>
[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedExperimentTests(EmbeddedStack stack, ITestOutputHelper output) : Experiments(stack, output)
{
    [Fact]
    public Task A_killed_consumer_is_replaced() => PassesAsync("consumer-killed");

    /// <summary>Starts it by the command of the Aspire dashboard.</summary>
    protected override async Task<long> StartAsync(HttpClient lab, string name)
    {
        Assert.False((await ExecuteAsync("no-such-experiment")).Success);
        var said = await ExecuteAsync(name);
        Assert.True(said.Success, said.Message);
        Assert.StartsWith($"{name} runs", said.Message, StringComparison.Ordinal);
        return (await lab.GetFromJsonAsync<JsonNode>(LabRoutes.Experiments))!["running"]!["id"]!.GetValue<long>();
    }

    private Task<ExecuteCommandResult> ExecuteAsync(string experiment) => Stack.App.ResourceCommands.ExecuteCommandAsync(
        ResourceNames.FaultLab, "run-experiment", new InteractionInputCollection([new() { Name = "experiment", InputType = InputType.Choice, Value = experiment }]));
}
