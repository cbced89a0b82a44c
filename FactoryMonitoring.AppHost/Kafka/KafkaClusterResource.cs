using System.Globalization;
using Confluent.Kafka;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>A cluster of Kafka brokers of any backing. Its connection string is the bootstrap list.</summary>
/// <param name="ports">The brokers' ports on loopback, broker 1 first; empty if the brokers are external.</param>
/// <param name="external">The addresses of external brokers and how clients sign in; null if the brokers are the AppHost's own.</param>
internal sealed class KafkaClusterResource(string name, KafkaBacking backing, IReadOnlyList<int> ports, ExternalSettings? external = null)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    // Not "localhost": the brokers listen only on IPv4, and clients would try ::1 first and log errors.
    public const string Host = "127.0.0.1";

    public KafkaBacking Backing => backing;

    public IReadOnlyList<int> Ports => ports;

    /// <summary>Topics that must exist before a client connects; the embedded broker creates them itself.</summary>
    public List<KafkaTopic> Topics { get; } = [];

    /// <summary>Consumer groups that the embedded broker preserves when a broker goes down.</summary>
    public List<string> Groups { get; } = [];

    public string Bootstrap => external?.Brokers ?? string.Join(',', ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"{Host}:{port}")));

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{Bootstrap}");

    /// <summary>Configures a client of the AppHost to use this cluster.</summary>
    public T Configure<T>(T config) where T : ClientConfig
    {
        config.BootstrapServers = Bootstrap;
        foreach (var (property, value) in (external?.Security ?? KafkaSecurity.None).Properties) config.Set(property, value);
        // The password file may have changed since the start.
        if (external?.Security.PasswordFile is { } file) config.SaslPassword = KafkaSecurity.ReadSecret(file);
        return config;
    }
}

/// <summary>A listener of a broker for clients that reach it over a link.</summary>
/// <param name="Listener">The broker's port on loopback.</param>
/// <param name="Advertised">The port of the link, which the broker advertises to those clients.</param>
internal sealed record KafkaLinkPort(int Listener, int Advertised);

/// <summary>A listener of a broker for clients on other machines.</summary>
/// <param name="Host">What the broker advertises to those clients: a name, or an address of this machine.</param>
internal sealed record KafkaOutsidePort(string Host, int Port)
{
    /// <summary>The address at which the broker listens: the given address, or all addresses if the host is a name.</summary>
    public string Address => Uri.CheckHostName(Host) is UriHostNameType.IPv4 or UriHostNameType.IPv6 ? Bracketed : "0.0.0.0";

    /// <summary>The host in the form used before a port.</summary>
    public string Bracketed => Uri.CheckHostName(Host) == UriHostNameType.IPv6 ? $"[{Host.Trim('[', ']')}]" : Host;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Bracketed}:{Port}");
}

/// <summary>A topic of the cluster.</summary>
internal sealed record KafkaTopic(string Name, int Partitions);

/// <summary>A broker that is a separate Java process.</summary>
internal sealed class KafkaBrokerResource(string name, int port, string command, string workingDirectory)
    : ExecutableResource(name, command, workingDirectory), IKafkaBroker
{
    public int Port => port;
}

/// <summary>A broker that is a container with its log on a volume.</summary>
internal sealed class KafkaContainerResource(string name, int port)
    : ContainerResource(name), IKafkaBroker
{
    public int Port => port;
}

/// <summary>A broker of the embedded cluster, which shares a process with the others.</summary>
internal sealed class EmbeddedBrokerResource(string name, int id, int port)
    : Resource(name), IKafkaBroker
{
    public int Id => id;

    public int Port => port;
}

/// <summary>A broker of any backing.</summary>
internal interface IKafkaBroker : IResource
{
    /// <summary>The port for clients on loopback.</summary>
    int Port { get; }
}
