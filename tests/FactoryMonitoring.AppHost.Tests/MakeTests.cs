using System.Diagnostics;
using FactoryMonitoring.Tests;

namespace FactoryMonitoring.AppHost.Tests;

/// <summary>What make would run.</summary>
public sealed class MakeTests
{
    [Theory]
    [InlineData("experiment", "NAME=it's", @"eng/make/experiment.sh one 'it'\''s'")]
    [InlineData("experiment", "NAME=x;y z", "eng/make/experiment.sh one 'x;y z'")]
    [InlineData("compose-status", "COMPOSE_ENV=x;y", "deploy/compose/status.sh 'x;y'")]
    [InlineData("coverage", "PROJECTS=Unit x;y", "eng/coverage.sh 'Unit' 'x;y'")]
    [InlineData("bench", "ARGS=only=a;b runs=1", "dotnet run -c Release --project benchmarks/FactoryMonitoring.Benchmarks -- 'only=a;b' 'runs=1'")]
    public async Task An_argument_is_one_word_for_the_shell(string target, string argument, string command) =>
        Assert.Equal(command, (await LinesAsync([target, argument]))[^1]);

    [Fact]
    public async Task Every_argument_of_the_torture_is_one_word_for_the_shell() =>
        Assert.StartsWith("TORTURE_MINUTES='1;2' TORTURE_SEED='3;4' ", (await LinesAsync(["torture", "MINUTES=1;2", "SEED=3;4"]))[0], StringComparison.Ordinal);

    [Theory]
    [InlineData("kill-producer", "eng/make/stack.sh act kill 'temperature-sensor'")]
    [InlineData("experiment", "eng/make/experiment.sh one 'consumer-killed'")]
    [InlineData("api-key", "eng/make/stack.sh api-key list")]
    public async Task The_name_that_a_system_gives_its_machine_is_no_argument(string target, string command) => Assert.Equal([command], await LinesAsync([target], name: "HOST"));

    [Theory]
    [InlineData("it's")]
    [InlineData("--all")]
    [InlineData("a b")]
    public async Task A_name_that_no_experiment_can_have_is_refused(string name)
    {
        using var process = Process.Start(new ProcessStartInfo(Repository.PathOf("eng", "make", "experiment.sh"), ["one", name])
        {
            RedirectStandardError = true, Environment = { ["Factory__RunDirectory"] = "/nowhere" },
        })!;

        Assert.Equal($"{name} is no experiment: NAME must be the name of one, as consumer-killed\n", await process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.Equal(1, process.ExitCode);
    }

    private static async Task<string[]> LinesAsync(string[] arguments, string? name = null)
    {
        var start = new ProcessStartInfo("make", ["--no-print-directory", "--dry-run", "--directory", Repository.Root, .. arguments]) { RedirectStandardOutput = true };
        // Those of a make that runs these tests.
        foreach (var inherited in (string[])["NAME", "MAKEFLAGS", "MAKELEVEL"]) start.Environment.Remove(inherited);
        if (name is not null) start.Environment["NAME"] = name;
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
