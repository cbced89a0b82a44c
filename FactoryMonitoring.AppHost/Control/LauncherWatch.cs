using FactoryMonitoring.AppHost.Setup;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Stops the factory when the <c>dotnet run</c> that started it is killed. <c>dotnet run</c> forwards SIGINT and SIGTERM but cannot forward SIGKILL. Watches
/// nothing if there is no /proc, or if another program started the AppHost.
/// </summary>
internal sealed partial class LauncherWatch(IHostApplicationLifetime lifetime, TimeProvider time, ILogger<LauncherWatch> logger) : LifetimeService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!File.Exists("/proc/self/stat")) return;
        var launcher = Parent();
        if (!IsDotnetRun(launcher)) return;
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (Parent() == launcher) continue;
            Log.Gone(logger);
            lifetime.StopApplication();
            return;
        }
    }

    // The format is `pid (name) state parent …`; the name may contain any character, including parentheses.
    private static string Parent()
    {
        var stat = File.ReadAllText("/proc/self/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1];
    }

    private static bool IsDotnetRun(string pid)
    {
        try
        {
            var words = File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
            return Path.GetFileName(words[0]) == "dotnet" && words.Contains("run");
        }
        catch (IOException)
        {
            return false; // the launcher is already gone, and the AppHost has another parent
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The dotnet run that started the factory is gone: stopping")]
        public static partial void Gone(ILogger logger);
    }
}
