using System.Globalization;
using FactoryMonitoring.Contracts;

namespace Microsoft.Extensions.Hosting;

/// <summary>The address that the API listens on: its own variables, otherwise ASPNETCORE_URLS, otherwise port 5080 on loopback.</summary>
internal static class ApiAddress
{
    private const string DefaultHost = "127.0.0.1";
    private const int DefaultPort = 5080;

    /// <summary>Sets the address; an invalid port is an error at startup.</summary>
    public static void UseApiAddress(this WebApplicationBuilder builder)
    {
        if (Of(builder.Configuration) is not { } address) return;
        var port = builder.Configuration[EnvironmentNames.MonitoringApiPort];
        if (!string.IsNullOrEmpty(port) && Port(port) is null)
        {
            builder.Services.AddOptions<AddressCheck>()
                .Validate(_ => false, $"{EnvironmentNames.MonitoringApiPort} = {port} must be an integer between 0 and {ushort.MaxValue}")
                .ValidateOnStart();
        }

        builder.Configuration[WebHostDefaults.ServerUrlsKey] = address;
    }

    /// <returns>Null if ASPNETCORE_URLS determines the address.</returns>
    public static string? Of(IConfiguration configuration)
    {
        var host = configuration[EnvironmentNames.MonitoringApiHost];
        var port = configuration[EnvironmentNames.MonitoringApiPort];
        return string.IsNullOrEmpty(host) && string.IsNullOrEmpty(port) && !string.IsNullOrEmpty(configuration[WebHostDefaults.ServerUrlsKey])
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"http://{(string.IsNullOrEmpty(host) ? DefaultHost : host)}:{Port(port) ?? DefaultPort}");
    }

    private static int? Port(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= ushort.MaxValue ? port : null;

    private sealed class AddressCheck;
}
