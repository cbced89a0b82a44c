using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Serialization;
using FactoryMonitoring.Data.Monitoring;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Exits;

/// <summary>
/// Follows the AppHost's stream of exits and keeps them: the true time of a kill. After a break it is told again what it missed; what is
/// kept already stays as it is.
/// </summary>
internal sealed partial class ExitWorker(
    ComponentExitStore store, IOptions<ControlOptions> options, TimeProvider time, ILogger<ExitWorker> logger) : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private bool _connected;
    private string? _lastId;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Url is not { } url)
        {
            return;
        }

        // The stream has no end: what bounds other requests would cut it.
        using var client = new HttpClient { BaseAddress = new(url.AbsoluteUri.TrimEnd('/') + "/"), Timeout = Timeout.InfiniteTimeSpan };
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(client, stoppingToken);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or NpgsqlException or TimeoutException or JsonException)
            {
                if (_connected)
                {
                    _connected = false;
                    Log.Lost(logger, exception.Message);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(RetryAfter, time, stoppingToken);
        }
    }

    private async Task FollowAsync(HttpClient client, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "exits");
        request.Headers.Accept.Add(new("text/event-stream"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.Value.Token);
        if (_lastId is not null)
        {
            request.Headers.Add("Last-Event-ID", _lastId);
        }

        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        _connected = true;
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var events = SseParser.Create(stream, (_, data) => JsonSerializer.Deserialize(data, ExitJsonContext.Default.ExitMessage));
        await foreach (var item in events.EnumerateAsync(cancellationToken))
        {
            if (item.Data is { } exit)
            {
                await store.WriteAsync(new(exit.Resource, exit.At, exit.ExitCode, exit.Cause, exit.By), cancellationToken);
                _lastId = item.EventId ?? _lastId;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The AppHost does not tell exits for now: the time of a kill is taken from the last commit ({Reason})")]
        public static partial void Lost(ILogger logger, string reason);
    }
}

/// <summary>The end of a process as the AppHost's control endpoint tells it.</summary>
internal sealed record ExitMessage(string Resource, DateTimeOffset At, int? ExitCode, string Cause, string? By);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ExitMessage))]
internal sealed partial class ExitJsonContext : JsonSerializerContext;
