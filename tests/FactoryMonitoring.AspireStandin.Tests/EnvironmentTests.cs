using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Probe = Projects.FactoryMonitoring_AspireStandin_Probe;

namespace FactoryMonitoring.AspireStandin.Tests;

public sealed class EnvironmentTests
{
    [Fact]
    public async Task A_project_gets_its_own_url_and_none_of_the_AppHosts()
    {
        Environment.SetEnvironmentVariable("DOTNET_LAUNCH_PROFILE", "AppHost");
        Environment.SetEnvironmentVariable("STANDIN_INHERITED", "yes");
        await using var test = await TestApplication.StartAsync(builder =>
            builder.AddProject<Probe>("probe", launchProfileName: null).WithHttpEndpoint().WithHttpHealthCheck("/health"));

        var environment = await test.EnvironmentAsync("probe");
        Environment.SetEnvironmentVariable("DOTNET_LAUNCH_PROFILE", null);

        var url = Aspire.Hosting.Testing.DistributedApplicationHostingTestingExtensions.GetEndpoint(test.App, "probe");
        Assert.Equal(url.ToString().TrimEnd('/'), environment["ASPNETCORE_URLS"]);
        Assert.Equal("yes", environment["STANDIN_INHERITED"]);
        Assert.DoesNotContain("DOTNET_LAUNCH_PROFILE", environment.Keys);
        Assert.DoesNotContain("ASPNETCORE_ENVIRONMENT", environment.Keys);
        Assert.DoesNotContain("DOTNET_ENVIRONMENT", environment.Keys);
        Assert.DoesNotContain(environment.Keys, name => name.StartsWith("OTEL_EXPORTER", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Launch_settings_give_variables_and_endpoints()
    {
        await using var test = await TestApplication.StartAsync(builder => builder.AddProject<Probe>("probe").WithHttpHealthCheck("/health"));

        var environment = await test.EnvironmentAsync("probe");

        Assert.Equal("http", environment["PROBE_PROFILE"]);
        Assert.Equal("Development", environment["ASPNETCORE_ENVIRONMENT"]);
        Assert.StartsWith("http://localhost:", environment["ASPNETCORE_URLS"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Telemetry_goes_where_an_endpoint_is_known()
    {
        await using var test = await TestApplication.StartAsync(
            builder =>
            {
                builder.AddProject<Probe>("probe", launchProfileName: null).WithHttpEndpoint().WithHttpHealthCheck("/health");
                builder.AddExecutable("plain", "/bin/sleep", ".", "300");
                builder.AddExecutable("traced", "/bin/sleep", ".", "300").WithOtlpExporter();
            },
            "--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL=http://localhost:21091", "--AppHost:OtlpApiKey=abc123");

        var environment = await test.EnvironmentAsync("probe");
        var id = (await test.StateAsync("probe", KnownResourceStates.Running)).ResourceId;

        Assert.Equal("http://localhost:21091", environment["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        Assert.Equal("grpc", environment["OTEL_EXPORTER_OTLP_PROTOCOL"]);
        Assert.Equal("x-otlp-api-key=abc123", environment["OTEL_EXPORTER_OTLP_HEADERS"]);
        Assert.Equal("probe", environment["OTEL_SERVICE_NAME"]);
        Assert.Equal($"service.instance.id={id["probe-".Length..]}", environment["OTEL_RESOURCE_ATTRIBUTES"]);
        Assert.Equal("1000", environment["OTEL_BSP_SCHEDULE_DELAY"]);
        Assert.Equal("1000", environment["OTEL_BLRP_SCHEDULE_DELAY"]);
        Assert.Equal("1000", environment["OTEL_METRIC_EXPORT_INTERVAL"]);
        Assert.Equal("always_on", environment["OTEL_TRACES_SAMPLER"]);
        Assert.Empty((await test.StateAsync("plain", KnownResourceStates.Running)).Snapshot.EnvironmentVariables);
        Assert.Contains((await test.StateAsync("traced", KnownResourceStates.Running)).Snapshot.EnvironmentVariables,
            variable => variable is { Name: "OTEL_SERVICE_NAME", Value: "traced" });
    }

    [Fact]
    public async Task References_give_services_connection_strings_and_their_parts()
    {
        await using var test = await TestApplication.StartAsync(builder =>
        {
            var api = builder.AddExecutable("broker-1", "/bin/sleep", ".", "300").WithEndpoint(port: 21092, name: "tcp", isProxied: false);
            var password = builder.AddParameter("password", "p{}w", secret: true);
            var kafka = builder.AddConnectionString("kafka",
                ReferenceExpression.Create($"{api.GetEndpoint("tcp").Property(EndpointProperty.HostAndPort)},localhost:21093"));
            var service = builder.AddProject<Probe>("monitoring-api", launchProfileName: null).WithHttpEndpoint(port: 21094, isProxied: false);
            var database = builder.AddResource(new TestDatabase("postgres-db", api.GetEndpoint("tcp"), password.Resource));
            builder.AddExecutable("user", "/bin/sleep", ".", "300")
                .WithReference(kafka).WithReference(service).WithReference(database)
                .WithEnvironment("PLAIN", "text")
                .WithEnvironment("PARAMETER", password)
                .WithEnvironment("EXPRESSION", $"{api.GetEndpoint("tcp").Property(EndpointProperty.Port)}/{password}")
                .WithEnvironment("ENDPOINT", service.GetEndpoint("http"))
                .WithEnvironment(context => context.EnvironmentVariables["CALLBACK"] = kafka.Resource);
        });

        var user = await test.StateAsync("user", KnownResourceStates.Running);

        Assert.Equal(
            new Dictionary<string, string?>
            {
                ["ConnectionStrings__kafka"] = "localhost:21092,localhost:21093",
                ["services__monitoring-api__http__0"] = "http://localhost:21094",
                ["MONITORING_API_HTTP"] = "http://localhost:21094",
                ["ConnectionStrings__postgres-db"] = "Host=localhost;Port=21092;Password=p{}w",
                ["POSTGRES_DB_HOST"] = "localhost",
                ["POSTGRES_DB_PORT"] = "21092",
                ["PLAIN"] = "text",
                ["PARAMETER"] = "p{}w",
                ["EXPRESSION"] = "21092/p{}w",
                ["ENDPOINT"] = "http://localhost:21094",
                ["CALLBACK"] = "localhost:21092,localhost:21093",
            },
            user.Snapshot.EnvironmentVariables.ToDictionary(variable => variable.Name, variable => variable.Value));
    }

    [Fact]
    public async Task Replicas_share_a_name_and_have_an_id_and_a_port_each()
    {
        await using var test = await TestApplication.StartAsync(builder => builder
            .AddProject<Probe>("probe", launchProfileName: null).WithHttpEndpoint().WithHttpHealthCheck("/health").WithReplicas(2));

        HashSet<string> ids = [];
        HashSet<string?> urls = [];
        await foreach (var change in test.App.ResourceNotifications.WatchAsync(test.Token))
            if (change.Snapshot.State?.Text == KnownResourceStates.Running && ids.Add(change.ResourceId)
                && urls.Add(change.Snapshot.EnvironmentVariables.Single(variable => variable.Name == "ASPNETCORE_URLS").Value) && ids.Count == 2)
                break;

        Assert.All(ids, id => Assert.StartsWith("probe-", id, StringComparison.Ordinal));
        Assert.Equal(2, urls.Count);
    }

    [Fact]
    public async Task A_proxied_port_is_free_under_test_and_an_unproxied_one_is_kept()
    {
        await using var test = await TestApplication.StartAsync(builder =>
        {
            builder.AddExecutable("proxied", "/bin/sleep", ".", "300").WithHttpEndpoint(port: 21095, env: "PORT");
            builder.AddExecutable("fixed", "/bin/sleep", ".", "300").WithHttpEndpoint(port: 21096, env: "PORT", isProxied: false);
        });

        var proxied = (await test.StateAsync("proxied", KnownResourceStates.Running)).Snapshot.EnvironmentVariables.Single();
        var unproxied = (await test.StateAsync("fixed", KnownResourceStates.Running)).Snapshot.EnvironmentVariables.Single();

        Assert.NotEqual("21095", proxied.Value);
        Assert.Equal(new EnvironmentVariableSnapshot("PORT", "21096", true), unproxied);
    }

    private sealed class TestDatabase(string name, EndpointReference endpoint, ParameterResource password)
        : Resource(name), IResourceWithConnectionString
    {
        public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create(
            $"Host={endpoint.Property(EndpointProperty.Host)};Port={endpoint.Property(EndpointProperty.Port)};Password={password}");

        IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties() =>
        [
            new("Host", ReferenceExpression.Create($"{endpoint.Property(EndpointProperty.Host)}")),
            new("Port", ReferenceExpression.Create($"{endpoint.Property(EndpointProperty.Port)}")),
        ];
    }
}
