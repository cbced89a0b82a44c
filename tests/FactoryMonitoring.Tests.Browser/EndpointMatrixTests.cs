using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>
/// Every endpoint × role × origin × host. The services list their endpoints: the test fails for an endpoint that is not in the tables below, and for a table
/// entry without an endpoint. The AppHost's control endpoint and the embedded brokers, which need a token, have separate tests.
/// </summary>
[Collection(BrowserCollection.Name)]
public sealed partial class EndpointMatrixTests(BrowserFixture stack) : IAsyncLifetime
{
    private const string Anybody = "anybody";
    private const string Viewer = "viewer";
    private const string Breaker = "breaker";
    private const string Foreign = "elsewhere.example";

    private static readonly string[] Pages =
    [
        "/", "/alerts", "/alerts/{Id:guid}", "/audit", "/broker", "/brokers", "/brokers/{*Rest}", "/consumer", "/consumers", "/consumers/{*Rest}", "/fault-lab", "/fault-lab/runs/{Id:long}",
        "/not-found",
        "/partitions", "/producer", "/producers/{*Rest}", "/sensor", "/sensors", "/sensors/{*Rest}",
    ];

    /// <summary>Endpoints of the page's port, with the lowest role that each requires if users sign in.</summary>
    private static readonly Dictionary<string, string> OfThePage = new(
        [
            .. Pages.SelectMany(page => new[] { KeyValuePair.Create($"GET {page}", Viewer), KeyValuePair.Create($"POST {page}", Viewer) }),
            new("GET /api/{**rest}", Viewer), new("HEAD /api/{**rest}", Viewer), new("* /api/{**rest}", Breaker),
            new("GET /openapi/{**rest}", Viewer), new("HEAD /openapi/{**rest}", Viewer), new("* /openapi/{**rest}", Breaker),
            new("* /_blazor", Viewer), new("* /_blazor/disconnect/", Viewer), new("* /_blazor/initializers/", Viewer), new("* /_blazor/negotiate", Viewer),
            new("GET /_framework/opaque-redirect", Viewer), new("* /metrics", Viewer),
            // Liveness, what is not secret, and signing in and out.
            new("* /alive", Anybody), new("* /health", Anybody), new("GET /{**path:file}", Anybody), new("HEAD /{**path:file}", Anybody), new("GET /sign-in", Anybody),
            new("POST /sign-out", Anybody),
        ],
        StringComparer.Ordinal);

    /// <summary>Endpoints of the monitoring API, which changes nothing for any client; it listens only on loopback.</summary>
    private static readonly string[] OfTheApi =
    [
        "* /alive", "* /health", "* /metrics", "GET /api/alerts", "GET /api/alerts/rate", "GET /api/alerts/{id}", "GET /api/audit", "GET /api/backfills", "GET /api/broker",
        "GET /api/brokers/{**id}", "GET /api/cluster", "GET /api/cluster-details", "GET /api/consumer", "GET /api/consumer-health", "GET /api/consumer-rates", "GET /api/consumers/{**id}", "GET /api/dead-letters",
        "GET /api/export/{kind}.{format}", "GET /api/history", "GET /api/ledger", "GET /api/ownership", "GET /api/partition-assignment", "GET /api/producer",
        "GET /api/producer-health", "GET /api/producers/{**id}", "GET /api/real-time-metrics", "GET /api/rebalances", "GET /api/rebalancing-events", "GET /api/recent-alerts",
        "GET /api/schemas/reading.json", "GET /api/sensor", "GET /api/sensor-counts", "GET /api/sensors", "GET /api/sensors/{**id}", "GET /api/snapshot", "GET /api/stream",
        "GET /api/system-status", "GET /openapi/v1.json",
    ];

    /// <summary>Endpoints of the fault lab, which listens only on loopback and refuses browsers.</summary>
    private static readonly string[] OfTheLab =
    [
        "* /alive", "* /health", "* /metrics", "GET /api/experiments", "GET /api/experiments/runs", "GET /api/experiments/runs/{id:long}",
        "GET /api/experiments/runs/{id:long}/report.json", "GET /api/experiments/runs/{id:long}/report.md", "GET /api/resources", "POST /api/commands",
        "POST /api/experiments/{name}/run",
    ];

    /// <summary>Endpoints of the embedded brokers' process; the POST requests need the token of the AppHost.</summary>
    private static readonly string[] OfTheBrokers = ["* /alive", "* /health", "* /metrics", "GET /brokers/", "POST /brokers/{id:int}/down", "POST /brokers/{id:int}/up"];

    private readonly SignInProvider _provider = new();
    private readonly string _keys = Path.Combine(Path.GetTempPath(), $"api-keys-{Guid.NewGuid():N}.json");
    private readonly Dictionary<string, string?> _bearers = new() { ["nobody"] = null, ["wrong key"] = "fm_of-nobody" };
    private ServiceProcess _web = null!;

    public async Task InitializeAsync()
    {
        stack.Lab.Reset();
        await _provider.StartAsync();
        _web = new("Monitoring.Web", service =>
        [
            ("MONITORING_PORT", $"{service.Port}"), ("MONITORING_API_PORT", $"{stack.Api.Port}"), ($"services__{ResourceNames.FaultLab}__http__0", stack.Lab.Address.ToString()),
            ("SignIn__Authority", _provider.Address.ToString()), ("SignIn__ApiKeysFile", _keys),
        ]);
        await _web.StartAsync();
        foreach (var role in (string[])["viewer", "operator", "breaker"])
        {
            var (code, output) = await ServiceProcess.RunAsync("Monitoring.Web", ["api-key", "add", role, role, _keys]);
            Assert.True(code == 0, output);
            _bearers[role] = output.Split('\n')[0];
        }
    }

    public async Task DisposeAsync()
    {
        await _web.DisposeAsync();
        await _provider.DisposeAsync();
        File.Delete(_keys);
    }

    [Theory]
    [InlineData("Monitoring.Web")]
    [InlineData("Monitoring.Api")]
    [InlineData("FaultLab")]
    [InlineData("FactoryMonitoring.EmbeddedKafka")]
    public async Task A_service_answers_to_what_is_in_the_matrix_and_to_nothing_else(string service) =>
        Assert.Equal(
            (service switch { "Monitoring.Web" => [.. OfThePage.Keys], "Monitoring.Api" => OfTheApi, "FaultLab" => OfTheLab, _ => OfTheBrokers }).Order(StringComparer.Ordinal),
            await EndpointsAsync(service));

    [Fact]
    public async Task Every_endpoint_of_the_page_lets_in_who_may_and_nobody_else()
    {
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = _web.Address };
        string?[] origins = [null, _web.Address.GetLeftPart(UriPartial.Authority), $"http://{Foreign}"];
        List<string> wrong = [];
        var asked = 0;
        foreach (var (endpoint, needed) in OfThePage)
        {
            foreach (var method in endpoint[0] == '*' ? Methods(endpoint) : [endpoint.Split(' ')[0]])
            {
                foreach (var (role, bearer) in _bearers)
                {
                    foreach (var origin in origins)
                    {
                        foreach (var host in (string?[])[null, $"{Foreign}:{_web.Port}"])
                        {
                            var path = Filled(endpoint.Split(' ')[1]);
                            using var request = new HttpRequestMessage(new(method), path) { Headers = { Host = host } };
                            if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
                            if (origin is not null) request.Headers.Add("Origin", origin);
                            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                            var status = (int)response.StatusCode;
                            asked++;
                            if (!Expected(method, path, needed, role, isForeign: origin == origins[2], isHost: host is null)(status))
                                wrong.Add($"{method} {path} by {role}, origin {origin ?? "none"}, host {host ?? "own"}: {status}");
                        }
                    }
                }
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} of {asked}:\n{string.Join('\n', wrong.Take(40))}");
        Assert.True(asked > 1_000, $"only {asked} requests");
        Assert.Null(stack.Lab.Running);
        Assert.Empty(stack.Lab.Commands);
    }

    [Fact]
    public async Task The_API_changes_nothing_and_answers_to_no_other_name()
    {
        using var client = new HttpClient { BaseAddress = stack.Api.Address };
        foreach (var path in OfTheApi.Select(endpoint => Filled(endpoint.Split(' ')[1])))
        {
            foreach (var method in (string[])["POST", "PUT", "PATCH", "DELETE"])
            {
                if (path is "/alive" or "/health" or "/metrics") continue;
                using var response = await client.SendAsync(new(new(method), path));
                Assert.True(response.StatusCode == System.Net.HttpStatusCode.MethodNotAllowed, $"{method} {path}: {response.StatusCode}");
            }

            using var foreign = await client.SendAsync(new(HttpMethod.Get, path) { Headers = { Host = Foreign } }, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(400, (int)foreign.StatusCode);
        }
    }

    /// <summary>Returns which status is right, in the order in which a request is checked: the host name, the origin, the role.</summary>
    private static Func<int, bool> Expected(string method, string path, string needed, string role, bool isForeign, bool isHost)
    {
        if (!isHost) return status => status == 400;
        var changes = method is not ("GET" or "HEAD") || path.StartsWith("/_blazor", StringComparison.Ordinal);
        if (isForeign && changes) return status => status == 403;
        if (needed == Anybody) return status => status is not (401 or 403);
        return role switch
        {
            "nobody" or "wrong key" => status => status == 401,
            _ when Rank(role) < Rank(needed) => status => status == 403,
            // A page that accepts a form requires an antiforgery token.
            _ => status => status is not (401 or 403),
        };
    }

    private static int Rank(string role) => Array.IndexOf([Viewer, "operator", Breaker], role);

    /// <summary>Returns the methods of an endpoint: one that restricts no method accepts any that no other endpoint of the same path has.</summary>
    private static string[] Methods(string endpoint) => OfThePage.ContainsKey($"GET{endpoint[1..]}") ? ["POST", "PUT", "PATCH", "DELETE"] : ["GET", "POST"];

    private static string Filled(string route) => Parameter().Replace(route, match => match.Value switch
    {
        var id when id.Contains("guid", StringComparison.Ordinal) => Guid.Empty.ToString(),
        "{kind}" => "audit",
        "{format}" => "csv",
        var file when file.Contains("file", StringComparison.Ordinal) => "app.css",
        _ => "nothing",
    });

    private static async Task<IReadOnlyList<string>> EndpointsAsync(string service)
    {
        var (code, output) = await ServiceProcess.RunAsync(
            service, ["--list-endpoints"], ("ConnectionStrings__factorydb", "Host=127.0.0.1;Username=u;Password=p;Database=d"), ("Factory__Control__Url", "http://127.0.0.1:1"), ("Factory__Control__Token", "t"));
        Assert.True(code == 0, output);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
