using System.Globalization;
using Confluent.Kafka;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>A cluster of Kafka brokers, whatever they run as. Its connection string is the bootstrap list.</summary>
/// <param name="ports">Where the brokers listen on loopback, broker 1 first; none where they are somebody else's.</param>
/// <param name="external">Where those are, and how clients sign in; null for brokers of our own.</param>
internal sealed class KafkaClusterResource(string name, KafkaBacking backing, IReadOnlyList<int> ports, ExternalSettings? external = null)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    // Not "localhost": the brokers listen on IPv4 alone, and clients would try ::1 first and complain.
    public const string Host = "127.0.0.1";

    public KafkaBacking Backing => backing;

    public IReadOnlyList<int> Ports => ports;

    /// <summary>Topics that are needed before a client comes; the embedded broker makes them itself.</summary>
    public List<KafkaTopic> Topics { get; } = [];

    /// <summary>Consumer groups that the embedded broker keeps alive over the death of a broker.</summary>
    public List<string> Groups { get; } = [];

    public string Bootstrap => external?.Brokers ?? string.Join(',', ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"{Host}:{port}")));

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{Bootstrap}");

    /// <summary>Has a client of the AppHost's use this cluster.</summary>
    public T Configure<T>(T config) where T : ClientConfig
    {
        config.BootstrapServers = Bootstrap;
        foreach (var (property, value) in (external?.Security ?? KafkaSecurity.None).Properties) config.Set(property, value);
        // It may have changed since the start.
        if (external?.Security.PasswordFile is { } file) config.SaslPassword = KafkaSecurity.ReadSecret(file);
        return config;
    }
}

/// <summary>A listener of a broker for clients that reach it over a link.</summary>
/// <param name="Listener">Where the broker is reached on loopback.</param>
/// <param name="Advertised">Where the link is: what the broker tells those clients.</param>
internal sealed record KafkaLinkPort(int Listener, int Advertised);

/// <summary>A listener of a broker for clients on other machines.</summary>
/// <param name="Host">What the broker tells those clients: a name, or an address of this machine.</param>
internal sealed record KafkaOutsidePort(string Host, int Port)
{
    /// <summary>Where the broker listens: at the address, or at all of them where a name may mean any.</summary>
    public string Address => Uri.CheckHostName(Host) is UriHostNameType.IPv4 or UriHostNameType.IPv6 ? Bracketed : "0.0.0.0";

    /// <summary>The host as it stands before a port.</summary>
    public string Bracketed => Uri.CheckHostName(Host) == UriHostNameType.IPv6 ? $"[{Host.Trim('[', ']')}]" : Host;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Bracketed}:{Port}");
}

/// <summary>A topic of the cluster.</summary>
internal sealed record KafkaTopic(string Name, int Partitions);

/// <summary>A broker as a Java process of its own.</summary>
internal sealed class KafkaBrokerResource(string name, int port, string command, string workingDirectory)
    : ExecutableResource(name, command, workingDirectory), IKafkaBroker
{
    public int Port => port;
}

/// <summary>A broker as a container with its log on a volume.</summary>
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

/// <summary>A broker, whatever it runs as.</summary>
internal interface IKafkaBroker : IResource
{
    /// <summary>Where clients reach it, on loopback.</summary>
    int Port { get; }
}
