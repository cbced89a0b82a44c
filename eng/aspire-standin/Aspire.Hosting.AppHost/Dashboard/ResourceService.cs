using Aspire.Hosting.ApplicationModel;
using Grpc.Core;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Dashboard;

/// <summary>Answers a dashboard from the model of the running application.</summary>
internal sealed class ResourceService(
    ResourceNotificationService notifications, ResourceLoggerService loggers, ResourceCommandService commands,
    IHostEnvironment environment, TimeProvider time, ApplicationStopping stopping) : Protocol.DashboardService.DashboardServiceBase
{
    /// <summary>A message is at most 4 MB on the wire, and a character at most four bytes.</summary>
    private const int LogBatchCharacters = 512 * 1024;

    public override Task<Protocol.ApplicationInformationResponse> GetApplicationInformation(
        Protocol.ApplicationInformationRequest request, ServerCallContext context)
    {
        var name = environment.ApplicationName;
        const string suffix = ".AppHost";
        return Task.FromResult(new Protocol.ApplicationInformationResponse
        {
            ApplicationName = name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) ? name[..^suffix.Length] : name,
        });
    }

    public override Task WatchResources(
        Protocol.WatchResourcesRequest request, IServerStreamWriter<Protocol.WatchResourcesUpdate> responseStream, ServerCallContext context)
        => StreamAsync(context, async cancellationToken =>
        {
            var seenAt = time.GetUtcNow().UtcDateTime;
            // The first message must be the initial data, even when there is none yet; all that is known comes as changes after it.
            await responseStream.WriteAsync(new() { InitialData = new() }, cancellationToken);
            await foreach (var change in notifications.WatchAsync(cancellationToken))
            {
                Protocol.WatchResourcesChanges changes = new();
                changes.Value.Add(new Protocol.WatchResourcesChange { Upsert = change.ToMessage(seenAt) });
                await responseStream.WriteAsync(new() { Changes = changes }, cancellationToken);
            }
        });

    public override Task WatchResourceConsoleLogs(
        Protocol.WatchResourceConsoleLogsRequest request, IServerStreamWriter<Protocol.WatchResourceConsoleLogsUpdate> responseStream,
        ServerCallContext context)
        => StreamAsync(context, async cancellationToken =>
        {
            var groups = request.SuppressFollow ? loggers.GetAllAsync(request.ResourceName) : loggers.WatchAsync(request.ResourceName);
            await foreach (var lines in groups.WithCancellation(cancellationToken))
            {
                Protocol.WatchResourceConsoleLogsUpdate update = new();
                var characters = 0;
                foreach (var line in lines)
                {
                    var text = line.Content.Length > LogBatchCharacters ? line.Content[..LogBatchCharacters] : line.Content;
                    if (characters + text.Length > LogBatchCharacters)
                    {
                        await responseStream.WriteAsync(update, cancellationToken);
                        (update, characters) = (new(), 0);
                    }
                    update.LogLines.Add(new Protocol.ConsoleLogLine { Text = text, IsStdErr = line.IsErrorMessage, LineNumber = line.LineNumber });
                    characters += text.Length;
                }
                await responseStream.WriteAsync(update, cancellationToken);
            }
        });

    public override async Task<Protocol.ResourceCommandResponse> ExecuteResourceCommand(
        Protocol.ResourceCommandRequest request, ServerCallContext context)
    {
        var result = await commands.ExecuteCommandAsync(request.ResourceName, request.CommandName, context.CancellationToken);
        Protocol.ResourceCommandResponse response = new()
        {
            Kind = result.Canceled ? Protocol.ResourceCommandResponseKind.Cancelled
                : result.Success ? Protocol.ResourceCommandResponseKind.Succeeded
                : Protocol.ResourceCommandResponseKind.Failed,
        };
        if (result.Message is { } message)
            response.Message = message;
        return response;
    }

    /// <summary>Stays open and silent: without it the dashboard takes each connection for a failure and says so in its log.</summary>
    public override Task WatchInteractions(
        IAsyncStreamReader<Protocol.WatchInteractionsRequestUpdate> requestStream,
        IServerStreamWriter<Protocol.WatchInteractionsResponseUpdate> responseStream, ServerCallContext context)
        => StreamAsync(context, async cancellationToken =>
        {
            while (await requestStream.MoveNext(cancellationToken))
                continue;
        });

    /// <summary>A stream lasts until the dashboard leaves or the application stops.</summary>
    private async Task StreamAsync(ServerCallContext context, Func<CancellationToken, Task> stream)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stopping.Token);
        await stream(ended.Token);
    }
}

/// <summary>Cancelled when the application, not the server of the resource service, begins to stop.</summary>
internal sealed record ApplicationStopping(CancellationToken Token);
