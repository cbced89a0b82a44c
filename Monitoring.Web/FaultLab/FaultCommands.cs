using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using FactoryMonitoring.Monitoring.Web.Api;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Monitoring.Web.FaultLab;

/// <summary>A part of the factory as the AppHost's control endpoint sees it.</summary>
/// <param name="State">Aspire's word for it: Running, Exited, NotStarted, …</param>
/// <param name="Actions">What may be done with it; empty of what cannot be commanded.</param>
internal sealed record ControlledResource(string Name, string? State, string? Health, int? ExitCode, bool Paused, IReadOnlyList<string> Actions);

/// <summary>What became of a command, in the words of who was asked.</summary>
/// <param name="RunId">Of an experiment that was started.</param>
internal sealed record CommandAnswer(bool Done, string Words, long? RunId = null);

/// <summary>
/// What the fault lab does: single faults by the AppHost's control endpoint, experiments by the monitoring API. Nothing is repeated: whoever broke
/// something wants it broken once.
/// </summary>
internal sealed class FaultCommands(MonitoringApiConnection api, IOptions<ControlOptions> control, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan ListPatience = TimeSpan.FromSeconds(3);

    /// <summary>Brokers that restart one after another take this long at most.</summary>
    private static readonly TimeSpan CommandPatience = TimeSpan.FromMinutes(5);

    /// <summary>Pages that ask within this time are given one answer.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(800);

    private readonly HttpClient _control = new(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = ListPatience }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly Lock _gate = new();
    private Task<IReadOnlyList<ControlledResource>>? _resources;
    private DateTimeOffset _askedAt;

    /// <summary>Whether an AppHost runs this service.</summary>
    public bool HasControl => control.Value.Url is not null;

    /// <summary>The parts of the factory; empty while the AppHost does not answer.</summary>
    public Task<IReadOnlyList<ControlledResource>> GetResourcesAsync()
    {
        lock (_gate)
        {
            if (_resources is null || (_resources.IsCompleted && time.GetUtcNow() - _askedAt >= Fresh))
            {
                _askedAt = time.GetUtcNow();
                _resources = AskResourcesAsync();
            }

            return _resources;
        }
    }

    /// <param name="path">Path and query below the control endpoint's address.</param>
    public async Task<CommandAnswer> PostAsync(string path)
    {
        if (control.Value.Url is null) return new(false, "No AppHost runs this page: there is nobody to ask.");
        using var patience = new CancellationTokenSource(CommandPatience, time);
        try
        {
            using var request = ToControl(HttpMethod.Post, path);
            request.Headers.Accept.Add(new("text/plain"));
            using var response = await _control.SendAsync(request, patience.Token);
            var words = (await response.Content.ReadAsStringAsync(patience.Token)).Trim();
            return new(response.IsSuccessStatusCode, words.Length > 0 ? words : $"The AppHost answered {(int)response.StatusCode}.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            return new(false, $"The AppHost did not answer: {exception.Message}");
        }
    }

    /// <summary>Asks the monitoring API to run an experiment.</summary>
    public async Task<CommandAnswer> RunAsync(string experiment)
    {
        using var patience = new CancellationTokenSource(ListPatience * 3, time);
        try
        {
            var address = await api.GetAddressAsync(patience.Token);
            using var response = await api.Client.PostAsync(new Uri(address, $"api/experiments/{Uri.EscapeDataString(experiment)}/run"), null, patience.Token);
            using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(patience.Token));
            return response.IsSuccessStatusCode
                ? new(true, $"{experiment} runs.", body.RootElement.GetProperty("id").GetInt64())
                : new(false, Problem(body.RootElement) ?? $"The monitoring API answered {(int)response.StatusCode}.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or JsonException)
        {
            return new(false, $"The monitoring API did not answer: {exception.Message}");
        }
    }

    public void Dispose() => _control.Dispose();

    private static string? Problem(JsonElement body) =>
        body.ValueKind != JsonValueKind.Object ? null
        : body.TryGetProperty("detail", out var detail) && detail.ValueKind == JsonValueKind.String ? detail.GetString()
        : body.TryGetProperty("title", out var title) ? title.GetString() : null;

    private HttpRequestMessage ToControl(HttpMethod method, string path) =>
        new(method, new Uri(new Uri(control.Value.Url!.AbsoluteUri.TrimEnd('/') + "/"), path)) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", control.Value.Token) } };

    private async Task<IReadOnlyList<ControlledResource>> AskResourcesAsync()
    {
        if (control.Value.Url is null) return [];
        using var patience = new CancellationTokenSource(ListPatience, time);
        try
        {
            using var request = ToControl(HttpMethod.Get, "resources");
            using var response = await _control.SendAsync(request, patience.Token);
            response.EnsureSuccessStatusCode();
            await using var body = await response.Content.ReadAsStreamAsync(patience.Token);
            return await JsonSerializer.DeserializeAsync(body, ControlJsonContext.Default.IReadOnlyListControlledResource, patience.Token) ?? [];
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or JsonException)
        {
            return [];
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<ControlledResource>))]
internal sealed partial class ControlJsonContext : JsonSerializerContext;
