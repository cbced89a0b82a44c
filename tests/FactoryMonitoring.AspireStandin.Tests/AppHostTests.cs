using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using AppHost = Projects.FactoryMonitoring_AspireStandin_AppHost;

namespace FactoryMonitoring.AspireStandin.Tests;

/// <summary>An AppHost as a process of its own, ended in every way; and in this process, by the testing builder.</summary>
public sealed class AppHostTests
{
    private readonly CancellationTokenSource _limit = new(TestApplication.Limit);

    [Theory]
    [InlineData("INT", false)]
    [InlineData("TERM", false)]
    [InlineData("KILL", false)]
    [InlineData("TERM", true)]
    [InlineData("KILL", true)]
    public async Task However_an_AppHost_ends_nothing_of_it_is_left(string signal, bool stubborn)
    {
        var marker = Guid.NewGuid().ToString("N");
        // A shell that runs the tests in the background has them ignore SIGINT, and what they start inherits that.
        using var appHost = Process.Start(new ProcessStartInfo("env", ["--default-signal=INT", Program, $"--Marker={marker}", $"--Stubborn={stubborn}"])
        {
            RedirectStandardOutput = true,
            Environment = { ["STANDIN_MARKER"] = marker },
        })!;
        await UntilAsync(() => Marked(marker).Count() >= (stubborn ? 5 : 4)); // itself, the store's shell and sleep, the probe, the other

        Signal(signal, appHost.Id);

        await UntilAsync(() => !Marked(marker).Any());
    }

    [Fact]
    public async Task The_testing_builder_runs_the_AppHost_with_the_tests_configuration()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<AppHost>(["--Marker=from-test"], _limit.Token);
        await using var app = await builder.BuildAsync(_limit.Token);
        await app.StartAsync(_limit.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("probe", _limit.Token);

        using var client = app.CreateHttpClient("probe");
        var environment = (await client.GetFromJsonAsync<Dictionary<string, string>>("/environment", _limit.Token))!;
        await app.StopAsync(_limit.Token);

        Assert.Equal("from-test", environment["PROBE_MARKER"]);
        Assert.Equal(Path.GetDirectoryName(AppHost.ProjectPath + Path.DirectorySeparatorChar), builder.AppHostDirectory);
        Assert.True(app.ResourceNotifications.TryGetCurrentState("probe", out var probe));
        Assert.Equal(KnownResourceStates.Finished, probe.Snapshot.State?.Text);
    }

    [Fact]
    public async Task A_test_changes_the_model_before_it_is_built()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<AppHost>(_limit.Token);
        var probe = builder.Resources.OfType<ProjectResource>().Single();
        builder.CreateResourceBuilder(probe).WithEnvironment("PROBE_MARKER", "changed");
        await using var app = await builder.BuildAsync(_limit.Token);
        await app.StartAsync(_limit.Token);

        var running = await app.ResourceNotifications.WaitForResourceAsync(
            "probe", change => change.Snapshot.State?.Text == KnownResourceStates.Running, _limit.Token);

        Assert.Contains(new EnvironmentVariableSnapshot("PROBE_MARKER", "changed", true), running.Snapshot.EnvironmentVariables);
    }

    [Fact]
    public async Task An_AppHost_that_ends_before_it_builds_says_so_to_the_test()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            DistributedApplicationTestingBuilder.CreateAsync<AppHost>(["--Fail=no port"], _limit.Token));

        Assert.Equal("The AppHost has ended with exit code 3.", failure.Message);
    }

    [Fact]
    public async Task A_builder_that_is_never_built_leaves_nothing_behind()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<AppHost>(_limit.Token);

        await builder.DisposeAsync().AsTask().WaitAsync(_limit.Token);
    }

    private static string Program => Path.Combine(AppHost.ProjectPath, AppContext.BaseDirectory[AppContext.BaseDirectory.LastIndexOf(
        $"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal)..].TrimStart(Path.DirectorySeparatorChar),
        "FactoryMonitoring.AspireStandin.AppHost");

    private static void Signal(string signal, int processId)
    {
        using var kill = Process.Start("kill", ["-s", signal, processId.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private static IEnumerable<string> Marked(string marker) => Directory.GetDirectories("/proc").Where(process =>
    {
        try
        {
            return char.IsAsciiDigit(Path.GetFileName(process)[0]) && !Path.GetFileName(process).Equals(
                Environment.ProcessId.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                && File.ReadAllText(Path.Combine(process, "environ")).Contains(marker, StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // it has ended meanwhile
        }
    });

    private async Task UntilAsync(Func<bool> condition)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(100));
        while (!condition())
            await timer.WaitForNextTickAsync(_limit.Token);
    }
}
