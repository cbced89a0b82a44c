using System.Diagnostics;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class CommandsTests
{
    [Theory]
    [InlineData("exec sleep 60")]
    [InlineData("sleep 60; true")]
    [InlineData("sleep 60 &")]
    public void A_program_that_does_not_end_is_not_waited_for(string script)
    {
        var start = Stopwatch.GetTimestamp();

        Assert.Equal((null, "", ""), Commands.Run("sh", TimeSpan.FromSeconds(1), "-c", script));

        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void What_a_program_writes_is_read_to_its_end()
    {
        var run = Commands.Run("sh", TimeSpan.FromSeconds(30), "-c", "seq 1 100000 >&2; seq 1 100000; exit 3");

        Assert.Equal((3, 100000, 100000), (run!.Value.ExitCode, run.Value.Output.Count(letter => letter == '\n'), run.Value.Error.Count(letter => letter == '\n')));
        Assert.Null(Commands.Output("sh", "-c", "exit 3"));
        Assert.Equal("outerr", Commands.Output("sh", "-c", "printf out; printf err >&2"));
        Assert.Null(Commands.Output("/nowhere"));
        Assert.Null(Commands.Run("/nowhere", TimeSpan.FromSeconds(30)));
    }
}
