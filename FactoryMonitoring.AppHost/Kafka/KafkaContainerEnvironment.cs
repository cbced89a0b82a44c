using System.Globalization;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>The configuration of one combined broker and controller as the official image takes it: KAFKA_A_B is a.b.</summary>
internal static class KafkaContainerEnvironment
{
    public const string Data = "/var/lib/kafka/data";

    /// <summary>Where a broker listens for clients outside, in its container.</summary>
    public const int Port = 9092;

    /// <summary>Where it listens for a link.</summary>
    public const int LinkPort = 9095;

    /// <summary>Where it listens for other machines.</summary>
    public const int OutsidePort = 9097;

    private const int Brokers = 3;

    /// <param name="node">Number of the broker, from 1.</param>
    /// <param name="port">At which clients outside reach it on loopback.</param>
    /// <param name="link">Of the link that leads to it; null where there is none.</param>
    /// <param name="outside">Where other machines reach it; null where they do not.</param>
    public static IEnumerable<KeyValuePair<string, string>> Of(int node, int port, KafkaLinkPort? link = null, KafkaOutsidePort? outside = null)
    {
        var own = new Dictionary<string, string>(KafkaServerProperties.Common)
        {
            ["node.id"] = Text(node),
            ["controller.quorum.voters"] = string.Join(',', Enumerable.Range(1, Brokers).Select(number => $"{Text(number)}@kafka{Text(number)}:9093")),
            // Brokers find each other by their resources' names, clients outside by the published port.
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
