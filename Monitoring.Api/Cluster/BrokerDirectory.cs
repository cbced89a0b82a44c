using System.Globalization;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>
/// All brokers, including those that are absent from the metadata because they are down: every broker that metadata ever named, and the entries of
/// the bootstrap list that match none of them, numbered by their position in the list.
/// </summary>
internal sealed class BrokerDirectory(string bootstrapServers)
{
    private readonly List<(string Host, int Port)> _bootstrap = [.. bootstrapServers.Split(',').Select(Parse)];
    private readonly SortedDictionary<int, (string Host, int Port)> _seen = [];

    /// <summary>Records the metadata of one broker.</summary>
    public void Learn(int id, string host, int port) => _seen[id] = (host, port);

    public IReadOnlyList<(int Id, string Host, int Port)> All()
    {
        var all = new SortedDictionary<int, (string Host, int Port)>(_seen);
        for (var i = 0; i < _bootstrap.Count; i++)
        {
            var entry = _bootstrap[i];

            // The list may use a different host name than the broker itself; if ports are unique, the port identifies the broker.
            var sole = _bootstrap.Count(other => other.Port == entry.Port) == 1;
            if (!_seen.Values.Any(seen => seen == entry || (sole && seen.Port == entry.Port)))
            {
                all.TryAdd(i + 1, entry);
            }
        }

        return [.. all.Select(pair => (pair.Key, pair.Value.Host, pair.Value.Port))];
    }

    private static (string, int) Parse(string entry)
    {
        // librdkafka accepts a protocol prefix.
        var address = entry.Trim();
        var scheme = address.IndexOf("://", StringComparison.Ordinal);
        address = scheme < 0 ? address : address[(scheme + 3)..];
        var colon = address.LastIndexOf(':');
        return (address[..colon].Trim('[', ']'), int.Parse(address.AsSpan(colon + 1), CultureInfo.InvariantCulture));
    }
}
