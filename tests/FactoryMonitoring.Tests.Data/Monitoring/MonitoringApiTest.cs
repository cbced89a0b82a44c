using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.FaultLab;
using FactoryMonitoring.Monitoring.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>A test of the API over HTTP, with a separate database.</summary>
public abstract class MonitoringApiTest(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly List<ApiUnderTest> _apis = [];

    /// <summary>The current time truncated to the second, so that it is short in JSON.</summary>
    protected DateTime Now { get; } = new(DateTime.UtcNow.Ticks / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, DateTimeKind.Utc);

    public override async Task DisposeAsync()
    {
        foreach (var api in _apis)
        {
            await api.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    protected static string Json(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The same JSON without white space.</summary>
    protected static string Compact(string json) => JsonNode.Parse(json)!.ToJsonString(Readable);

    /// <summary>Starts the service on a free port; it need not reach the database yet.</summary>
    internal async Task<ApiUnderTest> StartApiAsync(params string[] settings)
    {
        var app = MonitoringApi.Build([$"--ConnectionStrings:factorydb={Database.ConnectionStringOf(DatabaseRoles.Monitor)}", "--MONITORING_API_PORT=0", .. settings]);
        await app.StartAsync(Timeout);
        var api = new ApiUnderTest(app);
        _apis.Add(api);
        return api;
    }

    /// <summary>Starts the service and waits for its first snapshot.</summary>
    internal async Task<ApiUnderTest> StartServingApiAsync(params string[] settings)
    {
        var api = await StartApiAsync(settings);
        await EventuallyAsync(async () => await api.GetAsync("/api/system-status", Timeout) is { Status: HttpStatusCode.OK } answer && answer.Header("X-Stale") is null);
        return api;
    }

    /// <summary>Starts the fault lab next to an API that already serves.</summary>
    /// <param name="control">URL of the AppHost's control endpoint.</param>
    internal async Task<ApiUnderTest> StartLabAsync(ApiUnderTest api, string control, params string[] settings)
    {
        var app = FaultLabService.Build(
        [
            $"--ConnectionStrings:factorydb={Database.ConnectionStringOf(DatabaseRoles.Monitor)}", "--urls=http://127.0.0.1:0", $"--services:{ResourceNames.MonitoringApi}:http:0={api.Client.BaseAddress}",
            $"--Factory:Control:Url={control}", "--Factory:Control:Token=secret", .. settings,
        ]);
        await app.StartAsync(Timeout);
        var lab = new ApiUnderTest(app);
        _apis.Add(lab);
        return lab;
    }

    protected async Task ExecuteAsync(string sql, params object[] parameters) => await Database.ScalarAsync<object>(sql, Timeout, parameters);
}

/// <summary>The answer to a request.</summary>
internal sealed record Answer(HttpStatusCode Status, string Body, HttpResponseMessage Response)
{
    public string? Header(string name) =>
        Response.Headers.TryGetValues(name, out var values) || Response.Content.Headers.TryGetValues(name, out values) ? string.Join(',', values) : null;

    public JsonNode Json => JsonNode.Parse(Body)!;
}

internal sealed class ApiUnderTest(WebApplication app) : IAsyncDisposable
{
    public HttpClient Client { get; } = new() { BaseAddress = new Uri(app.Urls.First()) };

    public T Service<T>()
        where T : notnull => app.Services.GetRequiredService<T>();

    public async Task<Answer> GetAsync(string path, CancellationToken cancellationToken, string? ifNoneMatch = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (ifNoneMatch is not null)
        {
            request.Headers.Add("If-None-Match", ifNoneMatch);
        }

        var response = await Client.SendAsync(request, cancellationToken);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken), response);
    }

    public Task StopAsync() => app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
    }
}
