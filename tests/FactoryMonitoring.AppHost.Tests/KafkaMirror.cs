using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.AppHost.Tests;

/// <summary>A server on loopback that has one file, as those of Apache have it: with ranges.</summary>
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
            if (Silent) await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
            else if (context.Request.Path != path) context.Response.StatusCode = StatusCodes.Status404NotFound;
            else if (CutAfter is { } bytes && context.Request.Method == "GET") await CutAsync(context, bytes);
            else await Results.Bytes(Content, enableRangeProcessing: Ranges).ExecuteAsync(context);
        });
    }

    /// <summary>What it delivers.</summary>
    public byte[] Content { get; set; }

    /// <summary>After so many bytes the connection is cut; null delivers all of it.</summary>
    public int? CutAfter { get; set; }

    /// <summary>Whether it delivers a part that is asked for; else it always delivers the whole.</summary>
    public bool Ranges { get; set; } = true;

    /// <summary>Takes connections and never answers.</summary>
    public bool Silent { get; set; }

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

    private async Task CutAsync(HttpContext context, int bytes)
    {
        context.Response.ContentLength = Content.Length;
        await context.Response.Body.WriteAsync(Content.AsMemory(0, bytes));
        // The server cuts what ends short of its length, once it has sent what there is.
        await context.Response.Body.FlushAsync();
    }
}
