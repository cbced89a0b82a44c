using System.ComponentModel;
using System.Diagnostics;

namespace FactoryMonitoring.Tests.Data.Hosts;

/// <summary>
/// Several hosts on this machine: network namespaces, each with its own address, on a switch that is also a namespace, so that no firewall of this machine
/// applies. The tests themselves are one of the hosts. Needs Linux, root and the program ip.
/// </summary>
public sealed class HostNetwork : IAsyncDisposable
{
    private readonly string _id = Guid.NewGuid().ToString("N")[..6];
    private readonly string _network;
    private readonly List<string> _hosts = [];

    private HostNetwork()
    {
        // From 198.18.0.0/15, which is reserved for network tests (RFC 2544).
        _network = $"198.{Random.Shared.Next(18, 20)}.{Random.Shared.Next(256)}";
    }

    private string Switch => $"fm{_id}";

    public static async Task<HostNetwork> CreateAsync()
    {
        var network = new HostNetwork();
        try
        {
            await RunAsync("netns", "add", network.Switch);
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception)
        {
            throw new InvalidOperationException($"This test needs network namespaces: Linux, root, and the program ip (apt-get install iproute2): {exception.Message}", exception);
        }

        await RunAsync("-n", network.Switch, "link", "add", "switch", "type", "bridge");
        await RunAsync("-n", network.Switch, "link", "set", "switch", "up");
        await RunAsync("link", "add", network.Switch, "type", "veth", "peer", "name", "tests", "netns", network.Switch);
        await RunAsync("address", "add", $"{network._network}.254/24", "dev", network.Switch);
        await RunAsync("link", "set", network.Switch, "up");
        await RunAsync("-n", network.Switch, "link", "set", "tests", "master", "switch", "up");
        return network;
    }

    /// <summary>Adds a host.</summary>
    /// <returns>Its address.</returns>
    public async Task<string> AddAsync(string host)
    {
        var (name, address) = (Name(host), $"{_network}.{_hosts.Count + 1}");
        await RunAsync("netns", "add", name);
        _hosts.Add(host);
        await RunAsync("-n", Switch, "link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", name);
        await RunAsync("-n", Switch, "link", "set", host, "master", "switch", "up");
        await RunAsync("-n", name, "address", "add", $"{address}/24", "dev", "eth0");
        await RunAsync("-n", name, "link", "set", "eth0", "up");
        await RunAsync("-n", name, "link", "set", "lo", "up");
        return address;
    }

    /// <summary>Returns the command that runs a program on a host; the program replaces the command and keeps its process id.</summary>
    public string[] Prefix(string host) => ["ip", "netns", "exec", Name(host)];

    /// <summary>Disconnects the host's cable at the switch: what is sent to it is silently lost.</summary>
    public Task CutAsync(string host) => RunAsync("-n", Switch, "link", "set", host, "nomaster");

    public Task RestoreAsync(string host) => RunAsync("-n", Switch, "link", "set", host, "master", "switch");

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await RunAsync("netns", "delete", Name(host));
        }

        // Deleting the switch also deletes its ends of all cables, and so the other ends.
        await RunAsync("netns", "delete", Switch);
    }

    private string Name(string host) => $"{Switch}-{host}";

    private static async Task RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {error.Trim()}");
        }
    }
}
