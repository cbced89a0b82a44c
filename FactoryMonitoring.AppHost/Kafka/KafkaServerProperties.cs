using System.Globalization;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>The configuration file of one combined broker and controller.</summary>
internal static class KafkaServerProperties
{
    private static readonly string SessionTimeout = Liveness.SessionTimeoutMs.ToString(CultureInfo.InvariantCulture);

    /// <summary>What all brokers have in common.</summary>
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

        // A dead consumer of the KIP-848 protocol is replaced in 5.5 to 6.4 s, one that leaves in 0.4 s.
        ["group.consumer.min.session.timeout.ms"] = SessionTimeout,
        ["group.consumer.session.timeout.ms"] = SessionTimeout,
        ["group.consumer.min.heartbeat.interval.ms"] = "250",
        ["group.consumer.heartbeat.interval.ms"] = "250",
        ["group.consumer.assignment.interval.ms"] = "0",
        ["group.initial.rebalance.delay.ms"] = "0",

        // By default a dead broker keeps producers waiting for 11 s. A broker's death is noticed after its session, that of the active
        // controller after the fetch timeout and a session more: 1.5 s and 3 s are allowed, and brokers that have just started take half a
        // second longer than later. With a session of 500 ms none was fenced in 40 s of 4,000 readings a second on two cores. A fetch
        // timeout of 600 ms made an overloaded machine elect 58 controllers in four minutes, one of a second none while it served.
        ["broker.session.timeout.ms"] = "500",
        ["broker.heartbeat.interval.ms"] = "100",
        ["controller.quorum.fetch.timeout.ms"] = "1000",
        ["controller.quorum.election.timeout.ms"] = "300",
        ["controller.quorum.election.backoff.max.ms"] = "300",
        ["replica.lag.time.max.ms"] = "3000",
        // A broker that starts while most of the others are dead ends after a minute by default, and nobody starts it again. It waits for them for a day.
        ["initial.broker.registration.timeout.ms"] = "86400000",
        // A follower that asks a new leader too early asks again after this; by default it waits a second, and with it every producer.
        ["replica.fetch.backoff.ms"] = "100",
        // 128 MB by default, half of the heap: readings then waited for a collection every 3 s instead of every 8.
        ["log.cleaner.dedupe.buffer.size"] = "4194304",
        // A broker that came back leads its partitions again after this at most; by default the others carry them for five minutes.
        ["leader.imbalance.check.interval.seconds"] = "15",
    };

    /// <param name="node">Number of the broker, from 1.</param>
    /// <param name="ports">Where the brokers listen for clients.</param>
    /// <param name="controllerPorts">Where they listen for each other's controllers.</param>
    /// <param name="link">Where this one listens for a link; null where there is none.</param>
    /// <param name="outside">Where it listens for other machines; null where it does not.</param>
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

    // The one character of a path that a properties file does not take as it stands.
    private static string Escape(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal);
}
