using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class PortsTests
{
    [Fact]
    public void Free_ports_are_all_different()
    {
        var ports = Ports.Take([.. Enumerable.Range(1, 20).Select(number => new PortRequest($"part {number}", "", 0))]);

        Assert.Equal(20, ports.Distinct().Count());
        Assert.DoesNotContain(0, ports);
    }

    [Fact]
    public void A_taken_port_is_one_line_with_the_remedy()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port;

        var exception = Assert.Throws<SetupException>(() => Ports.Take([new("kafka2", "Factory:Ports:Kafka2", taken)]));

        Assert.Equal(
            $"Port {taken} for kafka2 cannot be had (AddressAlreadyInUse): stop what listens there, or set Factory__Ports__Kafka2 to another (0: any free one).",
            exception.Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_port_that_is_taken_at_the_other_address_of_localhost_is_taken(bool isOpen)
    {
        // Without IPv6 there is no other address.
        if (!Socket.OSSupportsIPv6 || !NetworkInterface.GetAllNetworkInterfaces().Any(network => network.GetIPProperties().UnicastAddresses.Any(unicast => unicast.Address.Equals(IPAddress.IPv6Loopback)))) return;
        using var other = new TcpListener(IPAddress.IPv6Loopback, 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port;

        Assert.Throws<SetupException>(() => Ports.Take([new("monitoring-web", "Factory:Ports:Web", taken, IsOpen: isOpen)]));
        Assert.NotEqual([taken], Ports.Take([new("the Aspire dashboard", "", taken, Yields: true, IsOpen: isOpen)]));
    }

    [Fact]
    public void A_port_for_other_machines_must_be_free_at_every_address()
    {
        using var other = new TcpListener(IPAddress.Parse("127.0.0.2"), 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port;

        Assert.Equal([taken], Ports.Take([new("postgres", "Factory:Ports:Postgres", taken)]));
        Assert.Throws<SetupException>(() => Ports.Take([new("kafka1 for other machines", "Factory:Ports:KafkaOutside1", taken, IsOpen: true)]));
    }

    [Fact]
    public void One_port_for_two_parts_is_refused()
    {
        var free = Ports.Take([new("any", "", 0)])[0];

        var exception = Assert.Throws<SetupException>(
            () => Ports.Take([new("kafka1", "Factory:Ports:Kafka1", free), new("postgres", "Factory:Ports:Postgres", free)]));

        Assert.Equal($"Port {free} is given to both kafka1 and postgres: set Factory:Ports:Postgres to another (0: any free one).", exception.Message);
    }

    [Fact]
    public void A_port_that_was_looked_at_is_free_afterwards()
    {
        var free = Ports.Take([new("any", "", 0)]);

        Assert.Equal(free, Ports.Take([new("any", "", free[0])]));
    }
}
