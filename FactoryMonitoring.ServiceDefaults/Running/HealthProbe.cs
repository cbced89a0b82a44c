using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.ServiceDefaults.Running;

/// <summary>
/// The argument --check: asks the /health of the instance of this service that listens where this one would. A container's health check without
/// a tool; asked before anything of the service is made, for it runs again and again beside what it asks.
/// </summary>
public static class HealthProbe
{
    private const string Argument = "--check";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    public static bool IsAsked(string[] args) => args.Contains(Argument, StringComparer.Ordinal);

    /// <summary>Asks by the settings of the environment.</summary>
    /// <param name="addressOf">Where the service listens by settings of its own; null where ASPNETCORE_URLS alone says it.</param>
    /// <returns>The exit code: 0 when it is healthy, else 1, with a line on stderr that says why.</returns>
    public static async Task<int> AskAsync(Func<IConfiguration, string?>? addressOf = null)
    {
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables().Build();
        if (AddressOf(configuration, addressOf?.Invoke(configuration)) is not { } address)
        {
            await Console.Error.WriteLineAsync("ASPNETCORE_URLS is not set to a fixed port: there is no address to ask");
            return 1;
        }

        using var client = new HttpClient { Timeout = Timeout };
        try
        {
            using var response = await client.GetAsync(new Uri(address, "/health"));
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return 0;
            }

            await Console.Error.WriteLineAsync($"{address}health: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            await Console.Error.WriteLineAsync($"{address}health: {exception.Message}");
        }

        return 1;
    }

    private static Uri? AddressOf(IConfiguration configuration, string? own)
    {
        var url = own?.Split(';').First()
            ?? configuration[WebHostDefaults.ServerUrlsKey]?.Split(';', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault()
            ?? (configuration[WebHostDefaults.HttpPortsKey]?.Split(';', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() is { } port
                ? $"http://127.0.0.1:{port}"
                : null);
        if (url is null)
        {
            return null;
        }

        var address = BindingAddress.Parse(url);
        var host = address.Host is "+" or "*" or "0.0.0.0" or "[::]" ? "127.0.0.1" : address.Host;
        return address.Port == 0 ? null : new Uri($"{address.Scheme}://{host}:{address.Port}/");
    }
}
