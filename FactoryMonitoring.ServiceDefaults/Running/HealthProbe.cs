using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.ServiceDefaults.Running;

/// <summary>
/// The argument --check: requests /health of the instance of this service that listens where this one would. A health check for containers that needs no
/// tool; it runs before any part of the service is created, because it runs repeatedly beside the service that it checks.
/// </summary>
public static class HealthProbe
{
    private const string Argument = "--check";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    public static bool IsAsked(string[] args) => args.Contains(Argument, StringComparer.Ordinal);

    /// <summary>Requests the health, using the settings of the environment.</summary>
    /// <param name="addressOf">Returns the address from the service's own settings; null if only ASPNETCORE_URLS determines it.</param>
    /// <returns>The exit code: 0 if the service is healthy, otherwise 1, with a line on stderr that says why.</returns>
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
