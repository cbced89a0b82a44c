using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Probe = Projects.FactoryMonitoring_AspireStandin_Probe;

namespace FactoryMonitoring.AspireStandin.Tests;

public sealed class LifecycleTests
{
    [Fact]
    public async Task A_killed_process_is_finished_with_137_and_stays_down_until_it_is_started()
    {
        await using var test = await TestApplication.StartAsync(builder => builder.AddExecutable("broker", "/bin/sleep", ".", "300"));
        var running = await test.StateAsync("broker", KnownResourceStates.Running);

        TestApplication.Kill(TestApplication.ProcessId(running));
        var dead = await test.StateAsync("broker", KnownResourceStates.Finished);
        var started = await test.CommandAsync("broker", KnownResourceCommands.StartCommand);
        var again = await test.StateAsync("broker", KnownResourceStates.Running);

        Assert.Equal(137, dead.Snapshot.ExitCode);
        Assert.NotNull(dead.Snapshot.StopTimeStamp);
        Assert.True(started.Success);
        Assert.Null(again.Snapshot.ExitCode);
        Assert.NotEqual(TestApplication.ProcessId(running), TestApplication.ProcessId(again));
    }

    [Fact]
    public async Task The_process_of_a_project_is_the_service_itself()
    {
        await using var test = await TestApplication.StartAsync(builder =>
            builder.AddProject<Probe>("probe", launchProfileName: null).WithHttpEndpoint().WithHttpHealthCheck("/health"));
        var running = await test.HealthyAsync("probe");

        var first = await test.FirstLineAsync("probe");

        Assert.Equal($"probe {TestApplication.ProcessId(running)}", first);
    }

    [Fact]
    public async Task A_resource_ends_with_the_exit_code_of_its_process()
    {
        await using var test = await TestApplication.StartAsync(builder =>
            builder.AddProject<Probe>("probe", launchProfileName: null).WithEnvironment("PROBE_EXIT", "7"));

        var ended = await test.StateAsync("probe", KnownResourceStates.Finished);

        Assert.Equal(7, ended.Snapshot.ExitCode);
    }

    [Fact]
    public async Task Stop_asks_first_and_restart_gives_a_new_process()
    {
        await using var test = await TestApplication.StartAsync(builder => builder.AddExecutable(
            "polite", "/bin/sh", ".", "-c", "trap 'exit 5' TERM; echo ready; sleep 300 & wait"));
        await test.FirstLineAsync("polite");
        var first = await test.StateAsync("polite", KnownResourceStates.Running);

        var stopped = await test.CommandAsync("polite", KnownResourceCommands.StopCommand);
        var down = await test.StateAsync("polite", KnownResourceStates.Finished);
        await test.CommandAsync("polite", KnownResourceCommands.StartCommand);
        var second = await test.StateAsync("polite", KnownResourceStates.Running);
        var restarted = await test.CommandAsync(second.ResourceId, KnownResourceCommands.RestartCommand);
        var third = await test.StateAsync("polite", KnownResourceStates.Running);

        Assert.True(stopped.Success);
        Assert.Equal(5, down.Snapshot.ExitCode);
        Assert.True(restarted.Success);
        Assert.Equal(3, new[] { first, second, third }.Select(TestApplication.ProcessId).Distinct().Count());
    }

    [Fact]
    public async Task A_missing_program_fails_to_start_and_says_so()
    {
        await using var test = await TestApplication.StartAsync(builder => builder.AddExecutable("missing", "no-such-program", "."));

        await test.StateAsync("missing", KnownResourceStates.FailedToStart);
        var result = await test.CommandAsync("missing", KnownResourceCommands.StartCommand);

        Assert.Equal("There is no program 'no-such-program'.", result.Message);
    }

    [Fact]
    public async Task A_resource_waits_for_health_and_for_completion()
    {
        var gate = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await using var test = await TestApplication.StartAsync(builder =>
        {
            var api = builder.AddProject<Probe>("api", launchProfileName: null).WithHttpEndpoint().WithHttpHealthCheck("/health")
                .WithEnvironment("PROBE_HEALTHY_FROM", gate);
            var once = builder.AddExecutable("once", "/bin/true", ".");
            builder.AddExecutable("after", "/bin/sleep", ".", "300").WaitFor(api).WaitForCompletion(once);
        });

        await test.StateAsync("after", KnownResourceStates.Waiting);
        var unhealthy = await test.App.ResourceNotifications.WaitForResourceAsync("api",
            change => change.Snapshot.HealthReports.Any(report => report.Status == HealthStatus.Unhealthy), test.Token);
        Assert.True(test.App.ResourceNotifications.TryGetCurrentState("after", out var waiting));
        Assert.Equal(KnownResourceStates.Waiting, waiting.Snapshot.State?.Text);
        await File.WriteAllTextAsync(gate, "", test.Token);
        await test.StateAsync("after", KnownResourceStates.Running);
        var healthy = await test.HealthyAsync("api");
        File.Delete(gate);

        Assert.Equal(HealthStatus.Unhealthy, unhealthy.Snapshot.HealthStatus);
        Assert.Equal(HealthStatus.Healthy, healthy.Snapshot.HealthStatus);
    }

    [Fact]
    public async Task A_start_asked_for_while_it_waits_does_without_the_waits()
    {
        await using var test = await TestApplication.StartAsync(builder =>
        {
            var never = builder.AddExecutable("never", "/bin/sleep", ".", "300").WithExplicitStart();
            builder.AddExecutable("impatient", "/bin/sleep", ".", "300").WaitFor(never);
        });
        await test.StateAsync("impatient", KnownResourceStates.Waiting);

        var started = await test.CommandAsync("impatient", KnownResourceCommands.StartCommand);

        await test.StateAsync("impatient", KnownResourceStates.Running);
        Assert.True(started.Success);
        Assert.True(test.App.ResourceNotifications.TryGetCurrentState("never", out var never));
        Assert.Equal(KnownResourceStates.NotStarted, never.Snapshot.State?.Text);
    }

    [Fact]
    public async Task A_failed_completion_fails_what_waits_for_it()
    {
        await using var test = await TestApplication.StartAsync(builder =>
        {
            var once = builder.AddExecutable("once", "/bin/false", ".");
            builder.AddExecutable("after", "/bin/sleep", ".", "300").WaitForCompletion(once);
        });

        var failed = await test.StateAsync("after", KnownResourceStates.FailedToStart);

        Assert.Equal(KnownResourceStates.FailedToStart, failed.Snapshot.State?.Text);
    }

    [Fact]
    public async Task A_command_finds_the_process_by_the_id_it_is_given()
    {
        await using var test = await TestApplication.StartAsync(builder => builder.AddExecutable("broker", "/bin/sleep", ".", "300")
            .WithCommand("kill", "Kill", context =>
            {
                var found = context.Services.GetRequiredService<ResourceNotificationService>()
                    .TryGetCurrentState(context.ResourceName, out var current);
                TestApplication.Kill(TestApplication.ProcessId(current!));
                return Task.FromResult(found ? CommandResults.Success() : CommandResults.Failure("not found"));
            }, new CommandOptions { ConfirmationMessage = "Sure?" }));
        await test.StateAsync("broker", KnownResourceStates.Running);

        var result = await test.CommandAsync("broker", "kill");

        var dead = await test.StateAsync("broker", KnownResourceStates.Finished);
        Assert.True(result.Success);
        Assert.Equal(137, dead.Snapshot.ExitCode);
        Assert.Equal(["start", "stop", "restart", "kill"], dead.Snapshot.Commands.Select(command => command.Name).Order(CommandOrder));
    }

    [Fact]
    public async Task A_custom_resource_is_what_its_owner_says_and_a_child_what_its_parent_is()
    {
        await using var test = await TestApplication.StartAsync(builder =>
        {
            var server = builder.AddExecutable("server", "/bin/sleep", ".", "300");
            builder.AddResource(new Child("database", server.Resource));
            builder.AddResource(new Custom("cluster")).OnInitializeResource((cluster, initialize, _) =>
                initialize.Notifications.PublishUpdateAsync(cluster, snapshot => snapshot with { State = KnownResourceStates.Running }));
        });

        var running = await test.HealthyAsync("database");
        await test.HealthyAsync("cluster");
        TestApplication.Kill(TestApplication.ProcessId(await test.StateAsync("server", KnownResourceStates.Running)));
        var dead = await test.StateAsync("database", KnownResourceStates.Finished);

        Assert.Equal("database", running.ResourceId);
        Assert.Equal(137, dead.Snapshot.ExitCode);
    }

    [Fact]
    public async Task What_uses_a_resource_is_stopped_before_it()
    {
        var log = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var test = await TestApplication.StartAsync(builder =>
        {
            var broker = Writer(builder, "broker").WithEndpoint(port: 21097, name: "tcp", isProxied: false);
            var kafka = builder.AddConnectionString("kafka", ReferenceExpression.Create($"{broker.GetEndpoint("tcp")}"));
            var consumer = Writer(builder, "consumer").WithReference(kafka);
            var factory = builder.AddResource(new Custom("factory"));
            consumer.WithParentRelationship(factory.Resource);
            Writer(builder, "page").WithReferenceRelationship(factory.Resource);
        });
        await test.FirstLineAsync("broker");
        await test.FirstLineAsync("consumer");
        await test.FirstLineAsync("page");

        await test.DisposeAsync();

        Assert.Equal(["page", "consumer", "broker"], await File.ReadAllLinesAsync(log));
        File.Delete(log);

        IResourceBuilder<ExecutableResource> Writer(IDistributedApplicationBuilder builder, string name) => builder.AddExecutable(
            name, "/bin/sh", ".", "-c", $"trap 'echo {name} >> {log}; exit 0' TERM; echo ready; sleep 300 & wait");
    }

    private static readonly Comparer<string> CommandOrder = Comparer<string>.Create((a, b) =>
        Array.IndexOf(["start", "stop", "restart", "kill"], a) - Array.IndexOf(["start", "stop", "restart", "kill"], b));

    private sealed class Custom(string name) : Resource(name);

    private sealed class Child(string name, IResource parent) : Resource(name), IResourceWithParent
    {
        public IResource Parent => parent;
    }
}
