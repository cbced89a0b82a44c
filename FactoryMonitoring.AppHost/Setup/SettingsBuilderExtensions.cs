using FactoryMonitoring.Contracts;
using FactoryMonitoring.Replay;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>Passes settings of the AppHost to services.</summary>
internal static class SettingsBuilderExtensions
{
    /// <summary>The names by which the page can be requested in addition to loopback's, separated by semicolons.</summary>
    public const string AllowedHosts = "AllowedHosts";

    /// <summary>Passes a whole section, wherever it was set: environment, command line or file. The service decides what is allowed in it.</summary>
    public static IResourceBuilder<T> WithSettingsOf<T>(this IResourceBuilder<T> builder, string section) where T : IResourceWithEnvironment
    {
        foreach (var (key, value) in builder.ApplicationBuilder.Configuration.GetSection(section).AsEnumerable())
            if (value is not null) builder.WithEnvironment(key.Replace(":", "__", StringComparison.Ordinal), value);
        return builder;
    }

    /// <summary>Passes the page the address of the Aspire dashboard, which shows the traces; nothing if there is no dashboard.</summary>
    public static IResourceBuilder<T> WithDashboardLink<T>(this IResourceBuilder<T> builder) where T : IResourceWithEnvironment
    {
        // Both are known only when the page starts: an address that is in use is replaced with a free one.
        var configuration = builder.ApplicationBuilder.Configuration;
        return builder.WithEnvironment(context =>
        {
            if (configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] is { Length: > 0 } && configuration["ASPNETCORE_URLS"] is { Length: > 0 } urls)
                context.EnvironmentVariables["Dashboard__Url"] = urls.Split(';')[0];
        });
    }

    /// <summary>Passes the page its access settings: the address that it listens at, sign-in, and where <c>make api-key</c> keeps its keys.</summary>
    public static IResourceBuilder<T> WithAccess<T>(this IResourceBuilder<T> builder, FactorySetup setup) where T : IResourceWithEnvironment
    {
        var configuration = builder.ApplicationBuilder.Configuration;
        foreach (var name in (string[])[EnvironmentNames.MonitoringHost, EnvironmentNames.AllowAnonymousView])
            if (configuration[name] is { Length: > 0 } value) builder.WithEnvironment(name, value);
        // The AppHost itself asks for the page as localhost.
        if (configuration[AllowedHosts] is { Length: > 0 } hosts) builder.WithEnvironment(AllowedHosts, hosts == "*" ? hosts : $"{hosts};localhost;127.0.0.1;[::1]");
        return builder.WithEnvironment("SignIn__ApiKeysFile", Path.Combine(setup.Settings.RunDirectory, "api-keys.json")).WithSettingsOf("SignIn");
    }

    /// <summary>Makes a sensor replay a recorded file with the settings that the file was checked with.</summary>
    public static IResourceBuilder<T> WithReplay<T>(this IResourceBuilder<T> builder, ReplayPlan replay) where T : IResourceWithEnvironment
    {
        foreach (var (name, value) in replay.Options.ToSettings()) builder.WithEnvironment($"Sensors__Replay__{name}", value);
        return builder;
    }
}
