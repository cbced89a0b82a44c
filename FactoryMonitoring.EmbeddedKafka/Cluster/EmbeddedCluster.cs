using FactoryMonitoring.Contracts;
using System.Net.Sockets;
using FactoryMonitoring.EmbeddedKafka.Proxy;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.EmbeddedKafka.Cluster;

/// <summary>A broker of the embedded cluster as the control endpoint shows it.</summary>
internal sealed record Broker(int Id, string Name, string Host, int Port, bool Up, int Leads);

/// <summary>
/// The embedded cluster: topics, leaders and coordinators on librdkafka's mock brokers, which can go down and come back. The mock does not elect leaders, so
/// this class moves what a dead broker led. Its ports answer only while the leaders are where they belong.
/// </summary>
internal sealed partial class EmbeddedCluster(IOptions<EmbeddedKafkaOptions> options, TimeProvider time, ILogger<EmbeddedCluster> logger)
    : IHostedService, IHealthCheck, IDisposable
{
    private const string Host = "127.0.0.1";
    private readonly EmbeddedKafkaOptions _options = options.Value;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Lead> _leads = [];
    private MockCluster? _cluster;
    private Node[] _nodes = [];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var cluster = new MockCluster(_options.Ports.Length);
        _cluster = cluster;
        _nodes = [.. _options.Ports.Select((port, index) => new Node(index + 1, new BrokerProxy(port, cluster.Listeners[index])))];
        foreach (var node in _nodes) cluster.Advertise(node.Id, Host, node.Proxy.Port);

        // The mock's cluster id is not unique, and its log is lost when this process exits: the name of this topic tells clients which log they read.
        var logId = Guid.NewGuid();
        CreateTopic($"factory-log.{logId}", 1);
        foreach (var topic in _options.Topics) CreateTopic(topic.Name, topic.Partitions);
        _leads.AddRange(_options.Groups.Select((group, index) => Lead.OfGroup(group, index % _nodes.Length + 1)));
        _leads.Add(Lead.OfCluster(1));
        foreach (var lead in _leads) lead.Move(cluster, lead.Preferred);

        foreach (var node in _nodes) OpenPort(node);
        Log.Ready(logger, _nodes.Length, string.Join(',', _nodes.Select(node => $"{Host}:{node.Proxy.Port}")), logId);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        foreach (var node in _nodes) await node.Proxy.CloseAsync();
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _cluster?.Dispose();
            _cluster = null;
        }
        finally
        {
            _gate.Release();
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_nodes.Length > 0 && _nodes.Any(node => node.Up)
            ? HealthCheckResult.Healthy($"{_nodes.Count(node => node.Up)} of {_nodes.Length} brokers up")
            : HealthCheckResult.Unhealthy("no broker is up"));

    public async Task<IReadOnlyList<Broker>> ListAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return [.. _nodes.Select(Describe)];
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// Kills a broker: its port refuses connections at once, and other brokers lead its partitions when this returns. Returns null if there is no such broker.
    /// </summary>
    public Task<Broker?> TakeDownAsync(int id, CancellationToken cancellationToken) => ChangeAsync(id, async (cluster, node) =>
    {
        if (!node.Up) return;
        node.Up = false;
        node.Deaths++;
        await node.Proxy.CloseAsync();
        cluster.SetDown(node.Id);
        var successors = _nodes.Where(other => other.Up).ToArray();
        if (successors.Length > 0)
        {
            var next = 0;
            foreach (var lead in _leads.Where(lead => lead.Current == node.Id)) lead.Move(cluster, successors[next++ % successors.Length].Id);
        }
        Log.Down(logger, node.Name, successors.Length);
    }, cancellationToken);

    /// <summary>Brings a broker back; it leads again after <see cref="EmbeddedKafkaOptions.ReturnDelay"/>. Returns null if there is no such broker.</summary>
    public Task<Broker?> BringUpAsync(int id, CancellationToken cancellationToken) => ChangeAsync(id, (cluster, node) =>
    {
        if (node.Up) return Task.CompletedTask;
        cluster.SetUp(node.Id);
        OpenPort(node);
        node.Up = true;
        // The broker immediately takes over what a dead leader left without a successor because all brokers were down.
        foreach (var lead in _leads.Where(lead => _nodes[lead.Current - 1] is { Up: false })) lead.Move(cluster, node.Id);
        _ = ReturnAsync(cluster, node, node.Deaths, _stopping.Token);
        Log.Up(logger, node.Name);
        return Task.CompletedTask;
    }, cancellationToken);

    public void Dispose()
    {
        _stopping.Dispose();
        _gate.Dispose();
    }

    private async Task<Broker?> ChangeAsync(int id, Func<MockCluster, Node, Task> change, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_cluster is not { } cluster || id < 1 || id > _nodes.Length) return null;
            await change(cluster, _nodes[id - 1]);
            return Describe(_nodes[id - 1]);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task ReturnAsync(MockCluster cluster, Node node, int deaths, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(_options.ReturnDelay, time, cancellationToken);
            await _gate.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        try
        {
            // The broker was killed again in the meantime: its next return moves its leads.
            if (cancellationToken.IsCancellationRequested || node.Deaths != deaths) return;
            foreach (var lead in _leads.Where(lead => lead.Preferred == node.Id)) lead.Move(cluster, node.Id);
            Log.Leads(logger, node.Name, _leads.Count(lead => lead.Current == node.Id));
        }
        catch (MockClusterException exception)
        {
            Log.CannotLead(logger, node.Name, exception.Message);
        }
        finally
        {
            _gate.Release();
        }
    }

    private void CreateTopic(string topic, int partitions)
    {
        _cluster!.CreateTopic(topic, partitions);
        _leads.AddRange(Enumerable.Range(0, partitions).Select(partition => Lead.OfPartition(topic, partition, partition % _nodes.Length + 1)));
    }

    private static void OpenPort(Node node)
    {
        try
        {
            node.Proxy.Open();
        }
        catch (SocketException exception)
        {
            throw new MockClusterException($"{node.Name} cannot listen on {Host}:{node.Proxy.Port}: {exception.Message}");
        }
    }

    private Broker Describe(Node node) =>
        new(node.Id, node.Name, Host, node.Proxy.Port, node.Up, _leads.Count(lead => lead.IsPartition && lead.Current == node.Id));

    private sealed class Node(int id, BrokerProxy proxy)
    {
        public int Id => id;
        public string Name { get; } = ResourceNames.Broker(id);
        public BrokerProxy Proxy => proxy;
        public bool Up { get; set; } = true;

        /// <summary>How often the broker was killed.</summary>
        public int Deaths { get; set; }
    }

    /// <summary>Something that one broker leads: a partition, a group, or the cluster.</summary>
    private sealed class Lead(int preferred, bool isPartition, Action<MockCluster, int> set)
    {
        public int Preferred { get; } = preferred;
        public bool IsPartition => isPartition;
        public int Current { get; private set; }

        public static Lead OfPartition(string topic, int partition, int broker) =>
            new(broker, true, (cluster, to) => cluster.SetLeader(topic, partition, to));

        public static Lead OfGroup(string group, int broker) => new(broker, false, (cluster, to) => cluster.SetCoordinator(group, to));

        public static Lead OfCluster(int broker) => new(broker, false, (cluster, to) => cluster.SetController(to));

        public void Move(MockCluster cluster, int broker)
        {
            set(cluster, broker);
            Current = broker;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Brokers} brokers ready at {Bootstrap}, log {LogId}; nothing is kept over a restart")]
        public static partial void Ready(ILogger logger, int brokers, string bootstrap, Guid logId);

        [LoggerMessage(LogLevel.Warning, "{Broker} is down; {Left} brokers left")]
        public static partial void Down(ILogger logger, string broker, int left);

        [LoggerMessage(LogLevel.Information, "{Broker} is up again")]
        public static partial void Up(ILogger logger, string broker);

        [LoggerMessage(LogLevel.Information, "{Broker} leads {Count} partitions again")]
        public static partial void Leads(ILogger logger, string broker, int count);

        [LoggerMessage(LogLevel.Error, "{Broker} does not lead its partitions again: {Reason}")]
        public static partial void CannotLead(ILogger logger, string broker, string reason);
    }
}
