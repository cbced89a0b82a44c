using System.Text.RegularExpressions;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Writes what every resource logs to a file of its own, so that another terminal can read it.</summary>
internal sealed partial class ResourceLogFiles(FactorySetup setup, DistributedApplicationModel model, ResourceLoggerService loggers, TimeProvider time)
    : LifetimeService
{
    private const long MostBytes = 20_000_000;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Directory.CreateDirectory(setup.LogDirectory);
        return Task.WhenAll(model.Resources.Where(resource => !ResourceWatch.IsPlumbing(resource)).Select(resource => WriteAsync(resource, stoppingToken)));
    }

    private async Task WriteAsync(IResource resource, CancellationToken cancellationToken)
    {
        var path = Path.Combine(setup.LogDirectory, $"{resource.Name}.log");
        var last = 0;
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        await using var writer = new StreamWriter(file);
        try
        {
            while (true)
            {
                await foreach (var lines in loggers.WatchAsync(resource).WithCancellation(cancellationToken))
                {
                    foreach (var line in lines.Where(line => line.LineNumber > last))
                    {
                        await writer.WriteLineAsync(Colors().Replace(line.Content, ""));
                        last = line.LineNumber;
                    }
                    await writer.FlushAsync(cancellationToken);
                    if (file.Length < MostBytes) continue;
                    File.Copy(path, path + ".1", overwrite: true);
                    file.SetLength(0);
                }
                // A log ends with the process that wrote it, and goes on when that is started again.
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await writer.FlushAsync(CancellationToken.None);
        }
    }

    // What a console shows as colors.
    [GeneratedRegex("\\x1b\\[[0-9;]*m")]
    private static partial Regex Colors();
}
