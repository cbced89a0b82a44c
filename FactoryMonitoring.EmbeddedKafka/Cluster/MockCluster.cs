using System.Net;
using System.Text;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.EmbeddedKafka.Cluster;

/// <summary>librdkafka's mock cluster. Its broker ids are 1 to the number of brokers. Not thread-safe.</summary>
internal sealed class MockCluster : IDisposable
{
    private const int Producer = 0;
    private readonly nint _client;
    private readonly nint _cluster;

    /// <exception cref="MockClusterException">The library cannot start a cluster.</exception>
    public MockCluster(int brokers)
    {
        Span<byte> error = stackalloc byte[512];
        var configuration = LibRdKafka.NewConfiguration();
        // The client only owns the cluster and connects nowhere; its warning about that would be the first line of the log.
        Check(LibRdKafka.SetConfiguration(configuration, "log_level", "3", error, (nuint)error.Length), "configure the mock cluster");
        _client = LibRdKafka.NewClient(Producer, configuration, error, (nuint)error.Length);
        if (_client == 0) throw new MockClusterException($"cannot start librdkafka: {Text(error)}");
        _cluster = LibRdKafka.NewCluster(_client, brokers);
        if (_cluster == 0) throw new MockClusterException("librdkafka cannot create a mock cluster");
        LibRdKafka.SetInitialRebalanceDelay(_cluster, 300);
        LibRdKafka.SetSessionTimeout(_cluster, Liveness.SessionTimeoutMs);
        LibRdKafka.SetHeartbeatInterval(_cluster, 1000);
        Listeners = [.. LibRdKafka.Bootstraps(_cluster).Split(',').Select(IPEndPoint.Parse)];
        Brokers = brokers;
    }

    public int Brokers { get; }

    /// <summary>The addresses at which the brokers really listen (random ports), broker 1 first.</summary>
    public IReadOnlyList<IPEndPoint> Listeners { get; }

    /// <summary>Makes the cluster's metadata advertise this address for the broker.</summary>
    public void Advertise(int broker, string host, int port) => LibRdKafka.SetBrokerAddress(_cluster, broker, host, port);

    public void CreateTopic(string topic, int partitions) =>
        Check(LibRdKafka.CreateTopic(_cluster, topic, partitions, Brokers), $"create topic {topic}");

    public void SetLeader(string topic, int partition, int broker) =>
        Check(LibRdKafka.SetLeader(_cluster, topic, partition, broker), $"make broker {broker} the leader of {topic} {partition}");

    public void SetCoordinator(string group, int broker) =>
        Check(LibRdKafka.SetCoordinator(_cluster, "group", group, broker), $"make broker {broker} the coordinator of {group}");

    public void SetController(int broker) => Check(LibRdKafka.SetController(_cluster, broker), $"make broker {broker} the controller");

    public void SetDown(int broker) => Check(LibRdKafka.SetBrokerDown(_cluster, broker), $"take broker {broker} down");

    public void SetUp(int broker) => Check(LibRdKafka.SetBrokerUp(_cluster, broker), $"bring broker {broker} up");

    public void Dispose()
    {
        LibRdKafka.DestroyCluster(_cluster);
        LibRdKafka.DestroyClient(_client);
    }

    private static void Check(int error, string action)
    {
        if (error != 0) throw new MockClusterException($"cannot {action}: {LibRdKafka.Describe(error)}");
    }

    private static string Text(ReadOnlySpan<byte> zeroTerminated) =>
        Encoding.UTF8.GetString(zeroTerminated[..Math.Max(0, zeroTerminated.IndexOf((byte)0))]);
}

/// <summary>librdkafka refused an operation on its mock cluster.</summary>
internal sealed class MockClusterException(string message) : Exception(message);
