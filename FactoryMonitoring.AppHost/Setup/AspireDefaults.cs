using System.Globalization;
using FactoryMonitoring.AppHost.Control;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>The Aspire settings that the factory changes.</summary>
internal static class AspireDefaults
{
    private const string DashboardUrls = "ASPNETCORE_URLS";
    private const string OtlpUrl = "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL";

    /// <summary>Returns the preferred ports of the dashboard: a port that is in use is replaced with another one.</summary>
    public static IEnumerable<PortRequest> DashboardPorts(IDistributedApplicationBuilder builder) =>
        !HasDashboard(builder) ? [] :
        [
            new("the Aspire dashboard", DashboardUrls, Preferred(builder, DashboardUrls).Port, Yields: true),
            new("the Aspire dashboard's OTLP endpoint", OtlpUrl, Preferred(builder, OtlpUrl).Port, Yields: true),
        ];

    /// <summary>Applies the ports that were found, and configures how Aspire waits for health and for the exit of resources.</summary>
    /// <param name="dashboardPorts">One for each of <see cref="DashboardPorts"/>.</param>
    /// <returns>The login URL of the dashboard; null if there is no dashboard.</returns>
    public static string? UseFactoryDefaults(this IDistributedApplicationBuilder builder, IReadOnlyList<int> dashboardPorts)
    {
        var configuration = builder.Configuration;
        UseNoProxyForThisMachine();
        // Without it the AppHost exits up to 15 s before its processes, and a start right after finds their ports in use.
        configuration["DcpPublisher:WaitForResourceCleanup"] = bool.TrueString;
        builder.Services.PostConfigure<HealthCheckServiceOptions>(options =>
        {
            foreach (var registration in options.Registrations)
            {
                var factory = registration.Factory;
                registration.Factory = services => new PatientHealthCheck(factory(services), services.GetRequiredService<TimeProvider>());
            }
        });
        if (!HasDashboard(builder)) return null;
        var dashboard = With(Preferred(builder, DashboardUrls), dashboardPorts[0]);
        configuration[DashboardUrls] = dashboard;
        configuration[OtlpUrl] = With(Preferred(builder, OtlpUrl), dashboardPorts[1]);
        return configuration["AppHost:BrowserToken"] is { Length: > 0 } token ? $"{dashboard}/login?t={token}" : dashboard;
    }

    /// <summary>Runs the application until it is stopped, and returns when nothing of it is left, even if it is stopped while it starts.</summary>
    public static async Task RunToEndAsync(this DistributedApplication application)
    {
        IReadOnlyList<OrchestratorEnd.Started> started = [];
        await using (application)
        {
            var lifetime = application.Services.GetRequiredService<IHostApplicationLifetime>();
            lifetime.ApplicationStopping.Register(() => started = OrchestratorEnd.Find());
            await application.RunAsync();
            // The host stops only an application that has started completely.
            if (!lifetime.ApplicationStarted.IsCancellationRequested) await application.StopAsync();
        }
        await OrchestratorEnd.HastenAsync(started);
    }

    // Clients of Aspire, the dashboard and the services ask a proxy of the environment even for localhost, unless this variable excludes it.
    private static void UseNoProxyForThisMachine()
    {
        // Who reads both prefers the name in lower case.
        var name = Environment.GetEnvironmentVariable("no_proxy") is null ? "NO_PROXY" : "no_proxy";
        var hosts = (Environment.GetEnvironmentVariable(name) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Environment.SetEnvironmentVariable(name, string.Join(',', hosts.Union(["localhost", "127.0.0.1", "[::1]"])));
    }

    private static bool HasDashboard(IDistributedApplicationBuilder builder) =>
        builder.Services.Select(service => service.IsKeyedService ? null : service.ImplementationInstance).OfType<DistributedApplicationOptions>().All(options => !options.DisableDashboard);

    private static Uri Preferred(IDistributedApplicationBuilder builder, string key) =>
        Uri.TryCreate(builder.Configuration[key]?.Split(';')[0], UriKind.Absolute, out var url)
            ? url
            : new Uri(key == DashboardUrls ? "http://localhost:18888" : "http://localhost:18889");

    private static string With(Uri url, int port) => string.Create(CultureInfo.InvariantCulture, $"{url.Scheme}://{url.Host}:{port}");
}
