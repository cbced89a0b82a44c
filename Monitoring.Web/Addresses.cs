using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Monitoring.Web;

/// <summary>The addresses that this service listens on and at which it finds the monitoring API and the fault lab, from the environment.</summary>
internal sealed class Addresses
{
    private const int DefaultPort = 5000;
    private const int DefaultApiPort = 5080;
    private const string Loopback = "127.0.0.1";
    private const string AnyAddress = "0.0.0.0";

    public Addresses(IConfiguration configuration)
    {
        var host = configuration[EnvironmentNames.MonitoringHost];
        var port = configuration[EnvironmentNames.MonitoringPort];
        var ownSaid = !string.IsNullOrEmpty(host) || !string.IsNullOrEmpty(port);
        var urls = configuration[WebHostDefaults.ServerUrlsKey];
        var inContainer = configuration.GetValue<bool>("DOTNET_RUNNING_IN_CONTAINER");
        // Kestrel ignores all other addresses if it has endpoints of its own.
        string[] endpoints = [.. configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"]).OfType<string>()];
        ListenOn = endpoints.Length > 0 ? string.Join(';', endpoints)
            : ownSaid || string.IsNullOrEmpty(urls)
            ? Http(string.IsNullOrEmpty(host) ? (inContainer ? AnyAddress : Loopback) : host, Port(port) ?? DefaultPort)
            : urls;

        var published = configuration[EnvironmentNames.MonitoringPublishedOn];
        Names = [.. Hosts(ListenOn).SelectMany(NamesOf), .. string.IsNullOrEmpty(published) || IsAny(published) ? [] : new[] { Bracketed(published) }];

        var apiHost = configuration[EnvironmentNames.MonitoringApiHost];
        var apiPort = configuration[EnvironmentNames.MonitoringApiPort];
        var apiSaid = !string.IsNullOrEmpty(apiHost) || !string.IsNullOrEmpty(apiPort);
        var discovered = configuration.GetSection($"services:{ResourceNames.MonitoringApi}").Exists();
        MonitoringApi = apiSaid || !discovered
            ? Http(string.IsNullOrEmpty(apiHost) ? Loopback : apiHost, Port(apiPort) ?? DefaultApiPort)
            : $"http://{ResourceNames.MonitoringApi}";
        FaultLab = configuration.GetSection($"services:{ResourceNames.FaultLab}").Exists() ? $"http://{ResourceNames.FaultLab}" : null;
        Failure = string.Join("; ", Failures(EnvironmentNames.MonitoringPort, port).Concat(Failures(EnvironmentNames.MonitoringApiPort, apiPort)));
    }

    /// <summary>
    /// The addresses to listen on, separated by semicolons: Kestrel:Endpoints, else own variables, else ASPNETCORE_URLS, else port 5000 on loopback (on every
    /// address in a container).
    /// </summary>
    public string ListenOn { get; }

    /// <summary>
    /// Host names, other than loopback's, by which the page can be requested: the address that it listens on, or all addresses and the name of this machine
    /// if it listens on all.
    /// </summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Whether only this machine reaches the addresses that it listens on.</summary>
    public bool AreLoopback => AreAllLoopback(ListenOn);

    /// <summary>The monitoring API: an address, or a name for service discovery.</summary>
    public string MonitoringApi { get; }

    /// <summary>The fault lab: a name for service discovery; null if no fault lab runs.</summary>
    public string? FaultLab { get; }

    /// <summary>Which variable is wrong, its value and what is allowed; empty if all are valid.</summary>
    public string Failure { get; }

    private static IEnumerable<string> Failures(string name, string? value)
    {
        if (!string.IsNullOrEmpty(value) && Port(value) is null) yield return $"{name} = {value}: must be a port between 1 and 65535";
    }

    private static int? Port(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 ? port : null;

    private static string Http(string host, int port) => $"http://{Bracketed(host)}:{port.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Returns a host as in a URL, with an IPv6 address in brackets.</summary>
    public static string Bracketed(string host) => host.Contains(':', StringComparison.Ordinal) && host[0] != '[' ? $"[{host}]" : host;

    private static bool IsAny(string host) => host is AnyAddress or "::" or "[::]" or "*" or "+";

    /// <param name="addresses">URLs separated by semicolons, or one address.</param>
    public static bool AreAllLoopback(string addresses) => Hosts(addresses).All(host =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip)));

    private static IEnumerable<string> Hosts(string addresses) => addresses.Split(';', StringSplitOptions.RemoveEmptyEntries)
        .Select(address => BindingAddress.Parse(address.Contains("://", StringComparison.Ordinal) ? address : $"http://{Bracketed(address)}").Host);

    private static IEnumerable<string> NamesOf(string host) =>
        !IsAny(host) ? [Bracketed(host)]
        :
        [
            Dns.GetHostName(),
            .. NetworkInterface.GetAllNetworkInterfaces().SelectMany(network => network.GetIPProperties().UnicastAddresses).Select(unicast => Bracketed(unicast.Address.ToString().Split('%')[0])),
        ];
}

/// <summary>Represents the addresses among the options that are checked at startup.</summary>
internal sealed class AddressCheck;
