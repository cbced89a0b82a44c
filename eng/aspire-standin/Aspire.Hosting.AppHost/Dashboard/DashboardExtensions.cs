using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dashboard;

/// <summary>Runs the real dashboard, where it is installed, as a hidden resource in front of all others.</summary>
internal static class DashboardExtensions
{
    private const string FrontendUrl = "ASPNETCORE_URLS";
    private const string OtlpUrl = "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL";
    private const string ResourceServiceUrl = "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL";

    /// <summary>
    /// Addresses and keys go to the configuration under Aspire's names before the model is built: the resources send their telemetry there.
    /// </summary>
    public static void AddDashboard(this IDistributedApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        if (DashboardInstallation.Find(configuration, builder.AppHostDirectory) is not { } program)
        {
            configuration[OtlpUrl] = ""; // of the launch profile: nobody listens there
            builder.OnBeforeStart((started, _) =>
            {
                started.Services.GetRequiredService<ILogger<DistributedApplication>>().LogInformation(
                    "The Aspire dashboard is not installed: going on without it (make full-stack fetches it; ASPIRE_DASHBOARD_PATH names another).");
                return Task.CompletedTask;
            });
            return;
        }

        // The keys of one run: nothing outside it can read the telemetry or run a command.
        foreach (var key in (string[])["AppHost:BrowserToken", "AppHost:OtlpApiKey", "AppHost:DashboardApiKey", "AppHost:ResourceService:ApiKey"])
            configuration[key] ??= Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        foreach (var key in (string[])[FrontendUrl, OtlpUrl])
            configuration[key] = FreeAddress(configuration[key]);

        Uri frontend = new(configuration[FrontendUrl]!);
        var loginUrl = $"{configuration[FrontendUrl]}/login?t={configuration["AppHost:BrowserToken"]}";
        var resourceServiceUrl = "";
        builder.Services.AddSingleton<ResourceServer>();
        var dashboard = builder
            .CreateResourceBuilder(new ExecutableResource("aspire-dashboard", program, Path.GetDirectoryName(program)!))
            .WithArgs("dashboard")
            .WithHttpEndpoint(port: frontend.Port, name: "http", isProxied: false)
            .WithHttpHealthCheck("/login")
            .WithInitialState(new CustomResourceSnapshot { ResourceType = "Executable", Properties = [], IsHidden = true })
            .WithEnvironment(context =>
            {
                var variables = context.EnvironmentVariables;
                foreach (var (name, value) in configuration.AsEnumerable())
                    if (name.StartsWith("ASPIRE_DASHBOARD_", StringComparison.OrdinalIgnoreCase) && value is not null)
                        variables[name] = value;
                variables["ASPNETCORE_ENVIRONMENT"] = "Production";
                variables[FrontendUrl] = configuration[FrontendUrl]!;
                variables[OtlpUrl] = configuration[OtlpUrl]!;
                variables[ResourceServiceUrl] = resourceServiceUrl;
                variables["DASHBOARD__RESOURCESERVICECLIENT__AUTHMODE"] = "ApiKey";
                variables["DASHBOARD__RESOURCESERVICECLIENT__APIKEY"] = configuration["AppHost:ResourceService:ApiKey"]!;
                variables["DASHBOARD__OTLP__AUTHMODE"] = "ApiKey";
                variables["DASHBOARD__OTLP__PRIMARYAPIKEY"] = configuration["AppHost:OtlpApiKey"]!;
                variables["DASHBOARD__FRONTEND__AUTHMODE"] = "BrowserToken";
                variables["DASHBOARD__FRONTEND__BROWSERTOKEN"] = configuration["AppHost:BrowserToken"]!;
                variables["ASPIRE_DASHBOARD_API_ENABLED"] = "true";
                variables["DASHBOARD__API__AUTHMODE"] = "ApiKey";
                variables["DASHBOARD__API__PRIMARYAPIKEY"] = configuration["AppHost:DashboardApiKey"]!;
                variables["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true";
            })
            .OnResourceReady((_, ready, _) =>
            {
                ready.Services.GetRequiredService<ILogger<DistributedApplication>>().LogInformation("Login to the dashboard at {LoginUrl}", loginUrl);
                return Task.CompletedTask;
            });
        builder.OnBeforeStart(async (started, cancellationToken) =>
        {
            var port = configuration[ResourceServiceUrl] is { Length: > 0 } url ? new Uri(FreeAddress(url)).Port : 0;
            resourceServiceUrl = await started.Services.GetRequiredService<ResourceServer>()
                .StartAsync(port, configuration["AppHost:ResourceService:ApiKey"]!, cancellationToken);
            started.Model.Resources.Insert(0, dashboard.Resource);
        });
    }

    /// <summary>The configured address without its path, or one on a free port where none is configured or its port is taken.</summary>
    private static string FreeAddress(string? configured)
    {
        var wanted = configured is { Length: > 0 } ? new Uri(configured.Split(';')[0]) : null;
        foreach (var port in (int[])[wanted?.Port ?? 0, 0])
        {
            using TcpListener probe = new(IPAddress.Loopback, port);
            try
            {
                probe.Start();
                return $"{wanted?.Scheme ?? "http"}://localhost:{((IPEndPoint)probe.LocalEndpoint).Port}";
            }
            catch (SocketException) when (port != 0)
            {
                continue;
            }
        }
        throw new DistributedApplicationException("No free port was found for the dashboard.");
    }
}
