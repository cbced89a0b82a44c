using System.Globalization;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>The configuration file of one combined broker and controller.</summary>
internal static class KafkaServerProperties
{
    private static readonly string SessionTimeout = Liveness.SessionTimeoutMs.ToString(CultureInfo.InvariantCulture);

    /// <summary>Properties that all brokers share.</summary>
    public static readonly IReadOnlyDictionary<string, string> Common = new SortedDictionary<string, string>
    {
        ["process.roles"] = "broker,controller",
        ["controller.listener.names"] = "CONTROLLER",
        ["inter.broker.listener.name"] = "PLAINTEXT",
        ["listener.security.protocol.map"] = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        ["auto.create.topics.enable"] = "false",
        ["default.replication.factor"] = "3",
        ["min.insync.replicas"] = "2",
        ["offsets.topic.replication.factor"] = "3",
        ["offsets.topic.num.partitions"] = "6",
        ["transaction.state.log.replication.factor"] = "3",
        ["transaction.state.log.min.isr"] = "2",
        ["share.coordinator.state.topic.replication.factor"] = "3",
        ["share.coordinator.state.topic.min.isr"] = "2",
        ["log.retention.hours"] = "24",
        ["log.segment.bytes"] = "67108864",

        // A dead consumer of the KIP-848 protocol is replaced after 5.5 to 6.4 s, a consumer that leaves the group after 0.4 s.
        ["group.consumer.min.session.timeout.ms"] = SessionTimeout,
        ["group.consumer.session.timeout.ms"] = SessionTimeout,
        ["group.consumer.min.heartbeat.interval.ms"] = "250",
        ["group.consumer.heartbeat.interval.ms"] = "250",
        ["group.consumer.assignment.interval.ms"] = "0",
        ["group.initial.rebalance.delay.ms"] = "0",

        // By default a dead broker keeps producers waiting for 11 s. The death of a broker is noticed after its session timeout, that of the active controller
        // after the fetch timeout and a session timeout more: 1.5 s and 3 s are allowed. With a session timeout of 500 ms, two busy cores had living brokers
        // fenced, and a group that lost its coordinator so while members left it stood still for 15 s. With a fetch timeout of 600 ms an
        // overloaded machine elected 58 controllers in four minutes; with one second it elected none while it served.
        ["broker.session.timeout.ms"] = "1000",
        ["broker.heartbeat.interval.ms"] = "200",
        ["controller.quorum.fetch.timeout.ms"] = "1000",
        ["controller.quorum.election.timeout.ms"] = "300",
        ["controller.quorum.election.backoff.max.ms"] = "300",
        ["replica.lag.time.max.ms"] = "3000",
        // By default a broker that starts while most of the others are dead exits after a minute, and nothing restarts it. Here it waits for them for a day.
        ["initial.broker.registration.timeout.ms"] = "86400000",
        // A follower that asks a new leader too early retries after this time. By default it waits a second, and so does every producer.
        ["replica.fetch.backoff.ms"] = "100",
        // The default is 128 MB, half of the heap: readings then waited for a garbage collection every 3 s instead of every 8 s.
        ["log.cleaner.dedupe.buffer.size"] = "4194304",
        // The longest time until a broker that came back leads its partitions again; by default the others lead them for five minutes.
        ["leader.imbalance.check.interval.seconds"] = "15",
    };

    /// <param name="node">Number of the broker, from 1.</param>
    /// <param name="ports">The brokers' ports for clients.</param>
    /// <param name="controllerPorts">The brokers' ports for the controllers.</param>
    /// <param name="link">The ports of the link to this broker; null if there is none.</param>
    /// <param name="outside">The address for other machines; null if they cannot reach it.</param>
    public static string Write(
        int node, IReadOnlyList<int> ports, IReadOnlyList<int> controllerPorts, string dataDirectory, KafkaLinkPort? link = null, KafkaOutsidePort? outside = null)
    {
        const string Host = KafkaClusterResource.Host;
        var own = new Dictionary<string, string>(Common)
        {
            ["node.id"] = $"{node}",
            ["controller.quorum.voters"] = string.Join(',', controllerPorts.Select((port, index) => $"{index + 1}@{Host}:{port}")),
            ["listeners"] = $"PLAINTEXT://{Host}:{ports[node - 1]},CONTROLLER://{Host}:{controllerPorts[node - 1]}",
            ["advertised.listeners"] = $"PLAINTEXT://{Host}:{ports[node - 1]}",
            ["log.dirs"] = dataDirectory,
        };
        if (link is not null)
        {
            own["listener.security.protocol.map"] += ",LINK:PLAINTEXT";
            own["listeners"] += $",LINK://{Host}:{link.Listener}";
            own["advertised.listeners"] += $",LINK://{Host}:{link.Advertised}";
        }
        if (outside is not null)
        {
            own["listener.security.protocol.map"] += ",OUTSIDE:PLAINTEXT";
            own["listeners"] += $",OUTSIDE://{outside.Address}:{outside.Port}";
            own["advertised.listeners"] += $",OUTSIDE://{outside}";
        }
        return string.Concat(own.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={Escape(pair.Value)}\n"));
    }

    // The backslash is the only character of a path that a properties file requires to be escaped.
    private static string Escape(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal);
}
