using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Writes the log of every resource to a separate file, so that another terminal can read it.</summary>
internal sealed partial class ResourceLogFiles(
    FactorySetup setup, DistributedApplicationModel model, ResourceLoggerService loggers, ResourceNotificationService notifications, TimeProvider time,
    ILogger<ResourceLogFiles> logger) : LifetimeService
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
        try
        {
            await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            await using var writer = new StreamWriter(file);
            var isKept = true;
            var log = resource.WorkerOf()?.Engine is { } engine ? ContainerLogAsync(resource, engine, cancellationToken) : LogAsync(resource, cancellationToken);
            await foreach (var lines in log)
            {
                try
                {
                    foreach (var line in lines) await writer.WriteLineAsync(Colors().Replace(line, ""));
                    await writer.FlushAsync(cancellationToken);
                    isKept = true;
                    if (file.Length < MostBytes) continue;
                    File.Copy(path, path + ".1", overwrite: true);
                    file.SetLength(0);
                }
                catch (IOException exception)
                {
                    // Only these lines are lost; the factory does not depend on them.
                    if (isKept) Log.NotKept(logger, path, exception.Message);
                    isKept = false;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Each part of the log was written when it arrived.
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotKept(logger, path, exception.Message);
        }
    }

    private async IAsyncEnumerable<IEnumerable<string>> LogAsync(IResource resource, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var last = 0;;)
        {
            await foreach (var lines in loggers.WatchAsync(resource).WithCancellation(cancellationToken))
            {
                yield return lines.Where(line => line.LineNumber > last).Select(line => line.Content);
                last = Math.Max(last, lines[^1].LineNumber);
            }
            // A log ends with the process that wrote it, and continues when the process is started again.
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>
    /// Reads the log from the container engine. If a container's log is read through Aspire, Aspire takes 5 s to notice that the container has exited, and
    /// notices the exit of no other container meanwhile.
    /// </summary>
    private async IAsyncEnumerable<IEnumerable<string>> ContainerLogAsync(
        IResource resource, ContainerEngine engine, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (string? last = null;;)
        {
            var change = await notifications.WaitForResourceAsync(resource.Name, change => NewContainer(change.Snapshot, last) is not null, cancellationToken);
            last = NewContainer(change.Snapshot, last)!;
            if (last.Length > 0)
            {
                await foreach (var lines in engine.LogAsync(last, cancellationToken)) yield return lines;
            }
            else
            {
                await foreach (var lines in loggers.GetAllAsync(resource).WithCancellation(cancellationToken)) yield return lines.Select(line => line.Content);
            }
        }
    }

    /// <summary>Returns the container that has started since; empty if none could be started; null if nothing has changed.</summary>
    private static string? NewContainer(CustomResourceSnapshot snapshot, string? last)
    {
        var now = snapshot.State?.Text == KnownResourceStates.FailedToStart ? ""
            : snapshot.State?.Text == KnownResourceStates.Running || KnownResourceStates.TerminalStates.Contains(snapshot.State?.Text) ? snapshot.ContainerId()
            : null;
        return now == last ? null : now;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Cannot write {Path}: {Reason}. Its lines are in the Aspire dashboard alone until it can be written")]
        public static partial void NotKept(ILogger logger, string path, string reason);
    }

    // Escape sequences that a console shows as colors.
    [GeneratedRegex("\\x1b\\[[0-9;]*m")]
    private static partial Regex Colors();
}
