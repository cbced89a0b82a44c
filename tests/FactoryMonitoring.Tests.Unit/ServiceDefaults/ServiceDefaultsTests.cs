using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

public sealed class ServiceDefaultsTests
{
    [Fact]
    public async Task Health_tells_each_check_and_alive_only_the_loops()
    {
        await using var app = await StartAsync(builder =>
        {
            builder.Services.AddLoopHeartbeat("loop", TimeSpan.FromMinutes(5));
            builder.Services.AddHealthChecks().AddCheck("database", () => HealthCheckResult.Unhealthy("away"));
        });

        var (healthCode, health) = await GetAsync(app, "/health");
        var (aliveCode, alive) = await GetAsync(app, "/alive");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, healthCode);
        Assert.StartsWith("{\"status\":\"unhealthy\",\"checks\":[{\"name\":\"loop\",\"status\":\"healthy\",", health, StringComparison.Ordinal);
        Assert.EndsWith(",{\"name\":\"database\",\"status\":\"unhealthy\",\"description\":\"away\"}]}", health, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, aliveCode);
        Assert.DoesNotContain("database", alive, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_that_hangs_and_hears_no_cancellation_is_given_up_and_alive_stays_green()
    {
        var never = new TaskCompletionSource<HealthCheckResult>();
        await using var app = await StartAsync(builder =>
        {
            builder.Services.AddLoopHeartbeat("loop", TimeSpan.FromMinutes(5));
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration("frozen", new Waiting(never.Task), null, null));
        });

        var (code, body) = await GetAsync(app, "/health");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, code);
        Assert.Contains("{\"name\":\"frozen\",\"status\":\"unhealthy\",\"description\":\"no answer within 4 s\"}", body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(app, "/alive")).Code);
    }

    [Fact]
    public async Task Our_own_instruments_arrive_at_metrics_with_our_buckets()
    {
        await using var app = await StartAsync(_ => { });
        using var meter = new Meter("FactoryMonitoring.Test");
        meter.CreateHistogram<double>("factory.test.duration", "s").Record(0.06);

        var (_, metrics) = await GetAsync(app, "/metrics");

        Assert.Contains("factory_test_duration_seconds_bucket{otel_scope_name=\"FactoryMonitoring.Test\",le=\"0.05\"} 0", metrics, StringComparison.Ordinal);
        Assert.Contains("factory_test_duration_seconds_bucket{otel_scope_name=\"FactoryMonitoring.Test\",le=\"0.075\"} 1", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_listens_on_loopback_alone_where_nothing_else_is_said()
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddServiceDefaults();
        await using var app = builder.Build();

        await app.StartAsync();

        Assert.StartsWith("http://127.0.0.1:", Assert.Single(app.Urls), StringComparison.Ordinal);
    }

    [Fact]
    public void The_connection_string_wins_over_the_url_and_both_get_our_limits()
    {
        const string Limits = "Timeout=3;Command Timeout=3;Cancellation Timeout=500;TCP Keepalive=True;TCP Keepalive Time=5;TCP Keepalive Interval=2;Options=\"-c idle_in_transaction_session_timeout=15s -c tcp_user_timeout=10s"
            + " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3\"";
        Assert.Equal(
            $"Host=a;Database=d;{Limits};Application Name=sensor-7",
            ConnectionString(("ConnectionStrings:factorydb", "Host=a;Database=d"), ("DATABASE_URL", "postgresql://b/d"), ("OTEL_SERVICE_NAME", "sensor-7")));
        Assert.Equal(
            $"Host=b;Port=5432;Database=d;{Limits};Application Name=sensor-7",
            ConnectionString(("DATABASE_URL", "postgresql://b/d"), ("OTEL_SERVICE_NAME", "sensor-7")));
        Assert.EndsWith(
            "tcp_keepalives_count=3 -c work_mem=8MB",
            new NpgsqlConnectionStringBuilder(ConnectionString(("ConnectionStrings:factorydb", "Host=a;Options=-c work_mem=8MB"))).Options,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=a,b:5433", true, 5, 2)]
    [InlineData("Host=/var/run/postgresql", false, 0, 0)]
    [InlineData("Host=@postgresql", false, 0, 0)]
    [InlineData("Host=a, /var/run/postgresql;Target Session Attributes=primary", false, 0, 0)]
    [InlineData("Host=a;TCP Keepalive=false", false, 0, 0)]
    [InlineData("Host=a;TCP Keepalive=true;TCP Keepalive Time=60", true, 60, 0)]
    public void Keepalives_are_set_where_every_host_is_reached_by_TCP_and_no_setting_of_them_is_given(string connection, bool isOn, int time, int interval)
    {
        var read = new NpgsqlConnectionStringBuilder(ConnectionString(("ConnectionStrings:factorydb", connection)));

        Assert.Equal((isOn, time, interval), (read.TcpKeepAlive, read.TcpKeepAliveTime, read.TcpKeepAliveInterval));
    }

    [Theory]
    [InlineData("ConnectionStrings:factorydb (or DATABASE_URL) is not set; must be Host=…;Port=…;Username=…;Password=…;Database=… (or postgresql://user:password@host:port/database)")]
    [InlineData("ConnectionStrings:factorydb = Host=x;Password=***;Prot=1: Couldn't set prot (Parameter 'prot')", "ConnectionStrings:factorydb", "Host=x;Password=secret;Prot=1")]
    public void A_wrong_connection_is_told_at_the_start_without_its_password(string message, params string[] setting)
    {
        var builder = WebApplication.CreateBuilder();
        if (setting is [var key, var value])
        {
            builder.Configuration[key] = value;
        }

        builder.AddServiceDefaults().AddFactoryDatabase();
        using var services = builder.Services.BuildServiceProvider();

        var exception = Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IStartupValidator>().Validate());
        Assert.Equal(message, exception.Message);
    }

    [Fact]
    public void A_secret_may_be_in_a_file_whose_last_line_may_end()
    {
        using var file = new SecretFile("s3cret\r\n");
        using var whole = new SecretFile("Host=a;Database=d;Password=s3cret\n");

        Assert.Equal("s3cret", PasswordOf(("ConnectionStrings:factorydb_FILE", whole.Path)));
        Assert.Equal("s3cret", PasswordOf(("DATABASE_URL", "postgresql://u@b/d"), ("DATABASE_PASSWORD_FILE", file.Path)));

        var builder = Builder(("OTEL_EXPORTER_OTLP_HEADERS_FILE", file.Path), ("Consumers:Messages:SchemaRegistry:PasswordFile", file.Path));
        Assert.Equal(("s3cret", "s3cret"), (builder.Configuration["OTEL_EXPORTER_OTLP_HEADERS"], builder.Configuration["Consumers:Messages:SchemaRegistry:Password"]));
    }

    [Fact]
    public void A_wrong_file_of_a_secret_is_one_line_without_the_secret()
    {
        using var file = new SecretFile("s3cret\n");
        using var empty = new SecretFile("\n");

        Assert.Equal(
            "DATABASE_URL_FILE = /nowhere/url cannot be read (Could not find a part of the path '/nowhere/url'.); must be a file with the value of DATABASE_URL that this process may read",
            Failure(("DATABASE_URL_FILE", "/nowhere/url")));
        Assert.Equal($"DATABASE_URL_FILE = {empty.Path} is empty; must be a file with the value of DATABASE_URL", Failure(("DATABASE_URL_FILE", empty.Path)));
        Assert.Equal(
            $"DATABASE_URL and DATABASE_URL_FILE = {file.Path} are both set; set one of them", Failure(("DATABASE_URL", "postgresql://b/d"), ("DATABASE_URL_FILE", file.Path)));
        Assert.Equal(
            "DATABASE_URL has a password, and DATABASE_PASSWORD (or DATABASE_PASSWORD_FILE) is set; set one of them",
            Failure(("DATABASE_URL", "postgresql://u:p@b/d"), ("DATABASE_PASSWORD_FILE", file.Path)));
    }

    private static string? PasswordOf(params (string Key, string Value)[] settings) =>
        new NpgsqlConnectionStringBuilder(FactoryDatabaseExtensions.Resolve(Builder(settings), out _, out _)).Password;

    private static string Failure(params (string Key, string Value)[] settings)
    {
        using var services = Builder(settings).Services.BuildServiceProvider();
        return Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IStartupValidator>().Validate()).Message;
    }

    private static WebApplicationBuilder Builder(params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        foreach (var (key, value) in settings)
        {
            builder.Configuration[key] = value;
        }

        builder.AddServiceDefaults().AddFactoryDatabase();
        return builder;
    }

    private static string ConnectionString(params (string Key, string Value)[] settings)
    {
        using var services = Builder(settings).Services.BuildServiceProvider();
        return services.GetRequiredService<NpgsqlDataSource>().ConnectionString;
    }

    private static async Task<WebApplication> StartAsync(Action<WebApplicationBuilder> configure)
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddServiceDefaults();
        configure(builder);
        var app = builder.Build();
        app.MapDefaultEndpoints();
        await app.StartAsync();
        return app;
    }

    private static async Task<(HttpStatusCode Code, string Body)> GetAsync(WebApplication app, string path)
    {
        using var client = new HttpClient();
        using var response = await client.GetAsync(new Uri(new Uri(app.Urls.Single()), path));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private sealed class Waiting(Task<HealthCheckResult> result) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => result;
    }

    private sealed class SecretFile : IDisposable
    {
        public SecretFile(string text) => File.WriteAllText(Path, text);

        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
