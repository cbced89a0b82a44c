using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Api;

/// <summary>An answer of the API, or the last one and why there is no newer one.</summary>
/// <param name="At">When the answer was received.</param>
/// <param name="Problem">Why there is no newer answer; null if the answer is fresh.</param>
/// <param name="NotFound">Whether the item does not exist.</param>
/// <param name="Refused">Whether the request itself is invalid, so that it need not be repeated.</param>
public sealed record Fetched<T>(T? Value, DateTimeOffset? At, string? Problem, bool NotFound, bool Refused = false)
    where T : class
{
    public static readonly Fetched<T> Nothing = new(null, null, null, false);
}

/// <summary>
/// Sends the requests to the monitoring API other than the stream, and those to the fault lab. Pages that send the same request at the same time share one, so
/// that twenty open pages cost as much as one.
/// </summary>
internal sealed class ApiQueries(ServiceConnections services, TimeProvider time)
{
    private const int KeptAnswers = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, Answer> _answers = new(StringComparer.Ordinal);

    /// <summary>Returns the path of the ownership from <paramref name="window"/> ago until now.</summary>
    public static string Ownership(TimeSpan window) => $"api/ownership?{Window(window)}";

    /// <summary>Returns the parameter that requests data younger than <paramref name="window"/>.</summary>
    public static string Window(TimeSpan window) => string.Create(CultureInfo.InvariantCulture, $"window={(int)window.TotalSeconds}s");

    /// <param name="path">Path and query below the service's address.</param>
    /// <param name="fresh">Age up to which an answer is returned again.</param>
    public async Task<Fetched<T>> GetAsync<T>(string path, TimeSpan fresh, CancellationToken cancellationToken)
        where T : class
    {
        Answer answer;
        lock (_answers)
        {
            answer = _answers.TryGetValue(path, out var known) && (!known.Task.IsCompleted || time.GetUtcNow() - known.AskedAt < fresh)
                ? known
                : _answers[path] = new(AskAsync(path, known?.Task as Task<Fetched<T>>), time.GetUtcNow());
            if (_answers.Count > KeptAnswers) Forget();
        }

        return await ((Task<Fetched<T>>)answer.Task).WaitAsync(cancellationToken);
    }

    private async Task<Fetched<T>> AskAsync<T>(string path, Task<Fetched<T>>? before)
        where T : class
    {
        var known = before is { IsCompletedSuccessfully: true } ? await before : Fetched<T>.Nothing;
        var service = services.For(path);
        if (!service.IsThere) return new(null, time.GetUtcNow(), null, NotFound: true);
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            var address = await service.GetAddressAsync(patience.Token);
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path)) { Headers = { { VisitorHeaders.Name, VisitorHeaders.ThePage } } };
            using var response = await service.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (response.StatusCode == HttpStatusCode.NotFound) return new(null, time.GetUtcNow(), null, NotFound: true);
            if (response.StatusCode == HttpStatusCode.BadRequest) return new(null, time.GetUtcNow(), await ReasonAsync(response, patience.Token), NotFound: false, Refused: true);
            response.EnsureSuccessStatusCode();
            await using var body = await response.Content.ReadAsStreamAsync(patience.Token);
            var value = (T?)await JsonSerializer.DeserializeAsync(body, ApiJsonContext.Default.GetTypeInfo(typeof(T))!, patience.Token);
            return new(value, time.GetUtcNow(), null, false);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or JsonException)
        {
            return known with { Problem = Words(service.Name, exception), Refused = false };
        }
    }

    private static string Words(string service, Exception exception) => exception switch
    {
        OperationCanceledException => $"{service} did not answer within {Patience.TotalSeconds:0} s",
        HttpRequestException { StatusCode: HttpStatusCode.ServiceUnavailable } => $"{service} cannot read the database",
        HttpRequestException { StatusCode: { } status } => $"{service} answered with {(int)status}",
        JsonException => $"{service} answered with something else",
        _ => $"{service} is away",
    };

    /// <summary>Returns what is wrong with the request, from the problem details of the answer.</summary>
    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var problem = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
        return problem.RootElement.TryGetProperty("errors", out var errors)
            ? string.Join("; ", errors.EnumerateObject().Select(error => $"{error.Name}: {string.Join(", ", error.Value.EnumerateArray().Select(each => each.GetString()))}"))
            : "it is not allowed";
    }

    private void Forget()
    {
        foreach (var (path, _) in _answers.Where(each => each.Value.Task.IsCompleted).OrderBy(each => each.Value.AskedAt).Take(KeptAnswers / 2))
        {
            _answers.TryRemove(path, out _);
        }
    }

    private sealed record Answer(Task Task, DateTimeOffset AskedAt);
}
