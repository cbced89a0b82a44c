using System.Text.Json;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Monitoring.Web.Access;
using FactoryMonitoring.Monitoring.Web.Api;

namespace FactoryMonitoring.Monitoring.Web.FaultLab;

/// <summary>The result of a request to the fault lab, in the fault lab's words.</summary>
/// <param name="RunId">The id of the run, if an experiment was started.</param>
internal sealed record LabAnswer(bool Done, string Words, long? RunId = null);

/// <summary>Sends the page's commands to the fault lab, which forwards them to the AppHost. Nothing is retried: a fault must be injected only once.</summary>
internal sealed class FaultCommands(FaultLabConnection lab, AuditTrail audit, TimeProvider time)
{
    private static readonly TimeSpan ListPatience = TimeSpan.FromSeconds(3);

    /// <summary>Timeout of a command; restarting all brokers one after another takes at most this long.</summary>
    private static readonly TimeSpan CommandPatience = TimeSpan.FromMinutes(5);

    /// <summary>Requests of pages within this time share one answer.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(800);

    private readonly Lock _gate = new();
    private Task<IReadOnlyList<ResourceBody>>? _resources;
    private DateTimeOffset _askedAt;

    /// <summary>Gets the parts of the factory; empty while the fault lab or the AppHost does not answer.</summary>
    public Task<IReadOnlyList<ResourceBody>> GetResourcesAsync()
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

    /// <summary>Executes a command at once.</summary>
    public async Task<LabAnswer> SendAsync(ControlCommand command, Visitor visitor)
    {
        if (Refused(visitor, command.Needed(), command.ToString()) is { } refused) return refused;
        using var patience = new CancellationTokenSource(CommandPatience, time);
        try
        {
            using var response = await PostAsync(LabRoutes.Commands, JsonContent.Create(command, ControlJson.Context.ControlCommand), visitor, patience.Token);
            return await response.Content.ReadFromJsonAsync(ControlJson.Context.CommandAnswer, patience.Token) is { } answer
                ? new(response.IsSuccessStatusCode, answer.Message)
                : new(false, $"The fault lab answered {(int)response.StatusCode}.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or JsonException)
        {
            return new(false, $"The fault lab did not answer: {exception.Message}");
        }
    }

    /// <summary>Runs an experiment.</summary>
    public async Task<LabAnswer> RunAsync(string experiment, Visitor visitor)
    {
        if (Refused(visitor, FactoryRole.Breaker, $"run the experiment {experiment}") is { } refused) return refused;
        using var patience = new CancellationTokenSource(ListPatience * 3, time);
        try
        {
            using var response = await PostAsync(LabRoutes.RunOf(experiment), null, visitor, patience.Token);
            using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(patience.Token));
            return response.IsSuccessStatusCode
                ? new(true, $"{experiment} runs.", body.RootElement.GetProperty("id").GetInt64())
                : new(false, Problem(body.RootElement) ?? $"The fault lab answered {(int)response.StatusCode}.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or JsonException)
        {
            return new(false, $"The fault lab did not answer: {exception.Message}");
        }
    }

    private LabAnswer? Refused(Visitor visitor, FactoryRole needed, string act)
    {
        if (visitor.May(needed)) return null;
        var refusal = visitor.Refusal(needed);
        audit.Add(visitor, act, false, refusal);
        return new(false, refusal);
    }

    private async Task<HttpResponseMessage> PostAsync(string route, HttpContent? content, Visitor visitor, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, await AddressAsync(route, cancellationToken)) { Content = content };
        visitor.WriteTo(request.Headers);
        return await lab.Client.SendAsync(request, cancellationToken);
    }

    private static string? Problem(JsonElement body) =>
        body.ValueKind != JsonValueKind.Object ? null
        : body.TryGetProperty("detail", out var detail) && detail.ValueKind == JsonValueKind.String ? detail.GetString()
        : body.TryGetProperty("title", out var title) ? title.GetString() : null;

    private async Task<Uri> AddressAsync(string route, CancellationToken cancellationToken) => new(await lab.GetAddressAsync(cancellationToken), route);

    private async Task<IReadOnlyList<ResourceBody>> AskResourcesAsync()
    {
        if (!lab.IsThere) return [];
        using var patience = new CancellationTokenSource(ListPatience, time);
        try
        {
            return await lab.Client.GetFromJsonAsync(
                await AddressAsync(LabRoutes.Resources, patience.Token), ControlJson.Context.IReadOnlyListResourceBody, patience.Token) ?? [];
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or JsonException)
        {
            return [];
        }
    }
}
