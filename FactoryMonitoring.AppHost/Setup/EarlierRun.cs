using System.Diagnostics;
using System.Globalization;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Postgres;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>
/// What an earlier run from the same run directory has left. If the AppHost was killed, its processes and containers end 10 to 20 s later, and until then they
/// use the ports and the data. <c>make reset</c> looks for the same.
/// </summary>
internal static class EarlierRun
{
    /// <summary>The variable by which a process that the AppHost has started is recognized; its value is the run directory.</summary>
    public const string Mark = "FACTORY_RUN_DIRECTORY";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    /// <summary>Marks the processes of all resources added so far, except Aspire's own, which rebuild projects and leave compile servers behind.</summary>
    public static void MarkProcesses(this IDistributedApplicationBuilder builder, string runDirectory)
    {
        foreach (var resource in builder.Resources.OfType<IResourceWithEnvironment>().Where(resource => resource is ProjectResource or ExecutableResource && !ResourceWatch.IsPlumbing(resource)).ToList())
            builder.CreateResourceBuilder(resource).WithEnvironment(Mark, runDirectory);
    }

    /// <summary>Waits until nothing is left of an earlier run.</summary>
    /// <exception cref="SetupException">Something is still left after 20 s.</exception>
    public static void AwaitEnd(string runDirectory) => AwaitEnd(runDirectory, Patience);

    public static void AwaitEnd(string runDirectory, TimeSpan patience)
    {
        var start = Stopwatch.GetTimestamp();
        for (var isFirst = true; Find(runDirectory) is { Count: > 0 } left; isFirst = false)
        {
            if (Stopwatch.GetElapsedTime(start) >= patience)
                throw new SetupException($"An earlier run from {runDirectory} has left {string.Join(", ", left)}: end them, or set Factory__RunDirectory to another directory.");
            if (isFirst) Console.WriteLine($"Waiting for what an earlier run from {runDirectory} has left: {string.Join(", ", left)}");
            Thread.Sleep(Poll);
        }
    }

    private static List<string> Find(string runDirectory)
    {
        // A file that a killed server left behind can name a process that has nothing to do with it.
        var server = PostgresDirectory.Decide(runDirectory).Postmaster() is { } postmaster && ProcessTree.Exists(postmaster) && ProcessTree.Name(postmaster) == "postgres" ? postmaster : 0;
        return
        [
            .. ProcessTree.With(Mark, runDirectory).Append(server).Where(pid => pid != 0).Distinct().Select(pid => string.Create(CultureInfo.InvariantCulture, $"process {pid} ({ProcessTree.Name(pid)})")),
            .. ContainerEngine.Volumes(runDirectory).SelectMany(
                volumes => Containers(volumes.Key, [.. volumes])).Select(container => $"container {container}"),
        ];
    }

    private static string[] Containers(string engine, IEnumerable<string> volumes) =>
        // An engine may warn on standard error each time.
        Commands.Run(engine, Commands.Patience, ["ps", "--format", "{{.Names}}", .. volumes.SelectMany(volume => (string[])["--filter", $"volume={volume}"])]) is { ExitCode: 0 } run
            ? run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : [];
}
