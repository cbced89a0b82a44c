using System.Collections.Concurrent;
using System.Text.Json;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>How long brokers took to answer this service, as the Kafka client has measured it over its last statistics interval.</summary>
internal sealed class RequestTimes
{
    private readonly ConcurrentDictionary<int, (double P50Ms, double P99Ms)> _times = new();

    /// <summary>Median and 99th percentile in milliseconds; null where the broker was not asked in the last interval.</summary>
    public (double P50Ms, double P99Ms)? Of(int broker) => _times.TryGetValue(broker, out var times) ? times : null;

    /// <summary>Takes over a statistics document of librdkafka: of each broker <c>rtt</c>, in microseconds.</summary>
    public void Update(string statistics)
    {
        using var document = JsonDocument.Parse(statistics);
        foreach (var broker in document.RootElement.GetProperty("brokers").EnumerateObject())
        {
            // A bootstrap address has -1 until the broker's own is known.
            if (!broker.Value.TryGetProperty("nodeid", out var node) || node.GetInt32() is not (>= 0 and var id) || !broker.Value.TryGetProperty("rtt", out var times)) continue;
            if (times.GetProperty("cnt").GetInt64() == 0) _times.TryRemove(id, out _);
            else _times[id] = (times.GetProperty("p50").GetInt64() / 1000.0, times.GetProperty("p99").GetInt64() / 1000.0);
        }
    }
}
