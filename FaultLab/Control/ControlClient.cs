using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FactoryMonitoring.Contracts.Control;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.FaultLab.Control;

/// <summary>Thrown when the control endpoint did not execute a command; the message is its answer.</summary>
/// <param name="status">The status code of the answer; null if there was no answer.</param>
/// <param name="answer">The text of the answer, without the command.</param>
internal sealed class ControlException(string message, HttpStatusCode? status, string answer, Exception? inner = null) : Exception(message, inner)
{
    public HttpStatusCode? Status => status;

    public string Answer => answer;
}

/// <summary>Sends commands to the AppHost's control endpoint, to break and to repair. Nothing is retried: a fault must be injected only once.</summary>
internal sealed class ControlClient : IDisposable
{
    // Restarting all brokers takes longest: each has to be in sync again before the next is restarted.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(10);

    private readonly HttpClient _client;

    public ControlClient(IOptions<ControlOptions> options)
    {
        _client = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = options.Value.Url, Timeout = Patience };
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", options.Value.Token);
        _client.DefaultRequestHeaders.Accept.Add(new("application/json"));
    }

    /// <summary>Gets the faults that are allowed.</summary>
    /// <returns>Null if the AppHost does not answer.</returns>
    public Task<FaultsBody?> FaultsAsync(CancellationToken cancellationToken) => GetAsync(ControlRoutes.Faults, ControlJson.Context.FaultsBody, cancellationToken);

    /// <summary>Gets the present burst of load, or the last one.</summary>
    /// <returns>Null if the AppHost does not answer.</returns>
    public Task<LoadBody?> LoadAsync(CancellationToken cancellationToken) => GetAsync(ControlRoutes.Load, ControlJson.Context.LoadBody, cancellationToken);

    /// <summary>Gets the parts of the factory.</summary>
    /// <returns>Null if the AppHost does not answer.</returns>
    public Task<IReadOnlyList<ResourceBody>?> ResourcesAsync(CancellationToken cancellationToken) =>
        GetAsync(ControlRoutes.Resources, ControlJson.Context.IReadOnlyListResourceBody, cancellationToken);

    /// <summary>Sends a command, and waits until it has been executed.</summary>
    /// <param name="by">The name of the requester.</param>
    /// <exception cref="ControlException">The command was not executed.</exception>
    public Task<CommandAnswer> SendAsync(ControlCommand command, string by, CancellationToken cancellationToken) => SendAsync(command with { By = by }, cancellationToken);

    /// <summary>Forwards the command of a requester.</summary>
    /// <exception cref="ControlException">The command was not executed.</exception>
    public Task<CommandAnswer> SendAsync(ControlCommand command, Requester requester, CancellationToken cancellationToken) =>
        SendAsync(command with { By = requester.By, Role = requester.Role, Address = requester.Address }, cancellationToken);

    private async Task<CommandAnswer> SendAsync(ControlCommand command, CancellationToken cancellationToken)
    {
        try
        {
            using var content = JsonContent.Create(command, ControlJson.Context.ControlCommand);
            using var response = await _client.PostAsync(new Uri(ControlRoutes.Commands, UriKind.Relative), content, cancellationToken);
            var answer = (await response.Content.ReadFromJsonAsync(ControlJson.Context.CommandAnswer, cancellationToken))!;
            return response.IsSuccessStatusCode
                ? answer
                : throw new ControlException($"{command}: {(int)response.StatusCode} {answer.Message}", response.StatusCode, answer.Message);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new ControlException($"{command}: {exception.Message}", null, exception.Message, exception);
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<T?> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ReadTimeout);
        try
        {
            return await _client.GetFromJsonAsync(new Uri(path, UriKind.Relative), type, limit.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
