using System.Text;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.Monitoring.Api.Streaming;

namespace Microsoft.AspNetCore.Builder;

/// <summary>/api/stream.</summary>
internal static class StreamEndpoints
{
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(2);

    private static readonly byte[] AliveFrame = Encoding.ASCII.GetBytes($"event: {StreamEvents.Alive}\ndata:\n\n");

    public static void MapStream(this RouteGroupBuilder api) =>
        api.MapGet("/stream", Stream)
            .WithName("stream")
            .WithSummary("Server-Sent Events: the whole first, then what changes; Last-Event-ID resumes")
            .Produces<StreamSnapshot>(StatusCodes.Status200OK, "text/event-stream")
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<IResult> Stream(HttpContext context, StreamHub hub, TimeProvider time, IHostApplicationLifetime lifetime)
    {
        using var client = hub.Subscribe(context.Request.Headers["Last-Event-ID"]);
        if (client is null)
        {
            return SnapshotResults.NotYet(context.Response);
        }

        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, client.Dropped, lifetime.ApplicationStopping);
        try
        {
            await SendAsync(client, context, time, ends.Token);
        }
        catch (OperationCanceledException)
        {
            if (client.Dropped.IsCancellationRequested)
            {
                context.Abort();
            }
        }
        finally
        {
            hub.Unsubscribe(client);
        }

        return Results.Empty;
    }

    private static async Task SendAsync(StreamClient client, HttpContext context, TimeProvider time, CancellationToken cancellationToken)
    {
        var output = context.Response.BodyWriter;
        await output.WriteAsync("retry: 1000\n\n"u8.ToArray(), cancellationToken);
        foreach (var frame in client.Backlog)
        {
            await output.WriteAsync(frame, cancellationToken);
        }

        Task<bool>? more = null;
        while (true)
        {
            more ??= client.Frames.WaitToReadAsync(cancellationToken).AsTask();
            if (await Task.WhenAny(more, Task.Delay(HeartbeatInterval, time, cancellationToken)) != more)
            {
                await output.WriteAsync(AliveFrame, cancellationToken);
                continue;
            }

            await more;
            more = null;
            while (client.Frames.TryRead(out var frame))
            {
                await output.WriteAsync(frame, cancellationToken);
            }
        }
    }
}
