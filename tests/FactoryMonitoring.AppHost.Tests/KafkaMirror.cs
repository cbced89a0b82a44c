using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.AppHost.Tests;

/// <summary>A server on loopback that serves one file with support for ranges, as Apache's servers do.</summary>
internal sealed class KafkaMirror : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<string> _requests = new();

    private KafkaMirror(string path, byte[] content)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        Content = content;
        _app.MapMethods("/{**path}", ["HEAD", "GET"], async context =>
        {
            var range = context.Request.Headers.Range.ToString();
            _requests.Enqueue($"{context.Request.Method} {range}".TrimEnd());
            if (Silent) await UntilGivenUpAsync(context);
            else if (context.Request.Path != path) context.Response.StatusCode = StatusCodes.Status404NotFound;
            else if (CutAfter is { } bytes && context.Request.Method == "GET") await CutAsync(context, bytes);
            else await Results.Bytes(Content, enableRangeProcessing: Ranges).ExecuteAsync(context);
        });
    }

    /// <summary>The content of the file.</summary>
    public byte[] Content { get; set; }

    /// <summary>Number of bytes after which the connection is cut; null delivers everything.</summary>
    public int? CutAfter { get; set; }

    /// <summary>Whether ranges are supported; otherwise the whole file is always delivered.</summary>
    public bool Ranges { get; set; } = true;

    /// <summary>Whether the server accepts connections but never answers.</summary>
    public bool Silent { get; set; }

    /// <summary>How long clients waited for a silent server until they gave up, one after the other.</summary>
    public TimeSpan Waited { get; private set; }

    public string Url { get; private set; } = "";

    /// <summary>Method and range of each request, in order.</summary>
    public IReadOnlyList<string> Requests => [.. _requests];

    public static async Task<KafkaMirror> StartAsync(string path, byte[] content)
    {
        var mirror = new KafkaMirror(path, content);
        await mirror._app.StartAsync();
        mirror.Url = mirror._app.Urls.Single();
        return mirror;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task UntilGivenUpAsync(HttpContext context)
    {
        var since = Stopwatch.GetTimestamp();
        await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Waited += Stopwatch.GetElapsedTime(since);
    }

    private async Task CutAsync(HttpContext context, int bytes)
    {
        context.Response.ContentLength = Content.Length;
        await context.Response.Body.WriteAsync(Content.AsMemory(0, bytes));
        // The server closes a connection whose body is shorter than its length, after it has sent the body.
        await context.Response.Body.FlushAsync();
    }
}
