using System.Globalization;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>The configuration of one combined broker and controller as the official image expects it: KAFKA_A_B is a.b.</summary>
internal static class KafkaContainerEnvironment
{
    public const string Data = "/var/lib/kafka/data";

    /// <summary>The port in the container for clients outside.</summary>
    public const int Port = 9092;

    /// <summary>The port in the container for a link.</summary>
    public const int LinkPort = 9095;

    /// <summary>The port in the container for other machines.</summary>
    public const int OutsidePort = 9097;

    private const int Brokers = 3;

    /// <param name="node">Number of the broker, from 1.</param>
    /// <param name="port">The port on loopback for clients outside the container.</param>
    /// <param name="link">The ports of the link to the broker; null if there is none.</param>
    /// <param name="outside">The address for other machines; null if they cannot reach it.</param>
    public static IEnumerable<KeyValuePair<string, string>> Of(int node, int port, KafkaLinkPort? link = null, KafkaOutsidePort? outside = null)
    {
        var own = new Dictionary<string, string>(KafkaServerProperties.Common)
        {
            ["node.id"] = Text(node),
            ["controller.quorum.voters"] = string.Join(',', Enumerable.Range(1, Brokers).Select(number => $"{Text(number)}@kafka{Text(number)}:9093")),
            // Brokers reach each other by their resource names, clients outside by the published port.
            ["inter.broker.listener.name"] = "INTERNAL",
            ["listener.security.protocol.map"] = "INTERNAL:PLAINTEXT,HOST:PLAINTEXT,CONTROLLER:PLAINTEXT",
            ["listeners"] = $"INTERNAL://:19092,HOST://:{Text(Port)},CONTROLLER://:9093",
            ["advertised.listeners"] = $"INTERNAL://kafka{Text(node)}:19092,HOST://{KafkaClusterResource.Host}:{Text(port)}",
            ["log.dirs"] = Data,
        };
        if (link is not null)
        {
            own["listener.security.protocol.map"] += ",LINK:PLAINTEXT";
            own["listeners"] += $",LINK://:{Text(LinkPort)}";
            own["advertised.listeners"] += $",LINK://{KafkaClusterResource.Host}:{Text(link.Advertised)}";
        }
        if (outside is not null)
        {
            own["listener.security.protocol.map"] += ",OUTSIDE:PLAINTEXT";
            own["listeners"] += $",OUTSIDE://:{Text(OutsidePort)}";
            own["advertised.listeners"] += $",OUTSIDE://{outside}";
        }
        return own.Select(pair => KeyValuePair.Create("KAFKA_" + pair.Key.ToUpperInvariant().Replace('.', '_'), pair.Value));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
