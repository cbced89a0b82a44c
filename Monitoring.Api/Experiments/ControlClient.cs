using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using FactoryMonitoring.Monitoring.Api.Exits;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Monitoring.Api.Experiments;

/// <summary>The control endpoint did not do what was asked; the message is its answer.</summary>
internal sealed class ControlException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Asks the AppHost's control endpoint to break and to mend.</summary>
internal sealed class ControlClient : IDisposable
{
    // Restarting all brokers takes the longest: each has to be whole again before the next.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LookPatience = TimeSpan.FromSeconds(10);

    /// <summary>Who is said to have asked.</summary>
    public const string By = "experiment";

    private readonly HttpClient? _client;

    public ControlClient(IOptions<ControlOptions> options)
    {
        if (options.Value.Url is { } url)
        {
            _client = new() { BaseAddress = new(url.AbsoluteUri.TrimEnd('/') + "/"), Timeout = Patience };
            _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", options.Value.Token);
            _client.DefaultRequestHeaders.Accept.Add(new("application/json"));
        }
    }

    /// <summary>Whether there is anybody to ask.</summary>
    public bool IsThere => _client is not null;

    /// <summary>What may be broken.</summary>
    /// <returns>Null where nobody says: no AppHost, or it does not answer.</returns>
    public Task<FaultsMessage?> LookAsync(CancellationToken cancellationToken) => GetAsync("faults", ControlJsonContext.Default.FaultsMessage, cancellationToken);

    /// <summary>The burst of load, or the last one.</summary>
    /// <returns>Null where nobody says.</returns>
    public Task<LoadMessage?> LoadAsync(CancellationToken cancellationToken) => GetAsync("load", ControlJsonContext.Default.LoadMessage, cancellationToken);

    /// <summary>Asks for something to be done, and waits until it is.</summary>
    /// <exception cref="ControlException">It was not done.</exception>
    public async Task<ControlMessage> PostAsync(string request, CancellationToken cancellationToken)
    {
        var by = request.Contains('?', StringComparison.Ordinal) ? $"&by={By}" : $"?by={By}";
        if (_client is null)
        {
            throw new ControlException($"{request}: no AppHost runs this");
        }

        try
        {
            using var response = await _client.PostAsync(new Uri(request + by, UriKind.Relative), null, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.IsSuccessStatusCode
                ? JsonSerializer.Deserialize(text, ControlJsonContext.Default.ControlMessage)!
                : throw new ControlException($"{request}: {(int)response.StatusCode} {Message(text)}");
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new ControlException($"{request}: {exception.Message}", exception);
        }
    }

    public void Dispose() => _client?.Dispose();

    private async Task<T?> GetAsync<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        if (_client is null)
        {
            return null;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LookPatience);
        try
        {
            using var response = await _client.GetAsync(new Uri(path, UriKind.Relative), limit.Token);
            return response.StatusCode == HttpStatusCode.OK
                ? JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(limit.Token), type)
                : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static string Message(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, ControlJsonContext.Default.ControlMessage)?.Message ?? text;
        }
        catch (JsonException)
        {
            return text;
        }
    }
}

/// <summary>What the control endpoint says of something that was done.</summary>
/// <param name="At">When it began; null where that is not told.</param>
/// <param name="Acknowledged">Of messages that were sent: those that are in the log.</param>
internal sealed record ControlMessage(string? Message, DateTimeOffset? At, int? Acknowledged);

internal sealed record FaultsMessage(bool Enabled, string? Reason, string? Kafka, int MaxConsumers);

internal sealed record LoadMessage(bool Running, DateTimeOffset? Started, int Seconds, long Acknowledged, long Failed, double? LongestWaitMs);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ControlMessage))]
[JsonSerializable(typeof(FaultsMessage))]
[JsonSerializable(typeof(LoadMessage))]
internal sealed partial class ControlJsonContext : JsonSerializerContext;
