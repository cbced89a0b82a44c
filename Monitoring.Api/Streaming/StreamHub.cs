using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Api.Snapshots;

namespace FactoryMonitoring.Monitoring.Api.Streaming;

/// <summary>
/// Turns snapshots into events, each serialized once and sent to all clients: the differences from the previous snapshot. The newest <see cref="Kept"/>
/// events are kept for clients that reconnect. Never waits for a client: one whose buffer is full is dropped.
/// </summary>
internal sealed class StreamHub
{
    /// <summary>Number of events kept: about one minute of a busy factory.</summary>
    public const int Kept = 2048;

    private const int MaxClients = 1024;

    private static readonly ApiJsonContext Json = ApiJson.Context;

    private readonly Lock _gate = new();
    private readonly HashSet<StreamClient> _clients = [];
    private readonly Queue<(long Id, byte[] Frame)> _ring = new(Kept);

    // Distinguishes the event ids of this process from those of other processes.
    private readonly string _process = Guid.NewGuid().ToString("N")[..8];
    private Dictionary<(string Event, string Key), byte[]> _sent = [];
    private Snapshot? _snapshot;
    private byte[]? _snapshotFrame;
    private long _lastId;

    /// <summary>Number of connected clients.</summary>
    public int Clients
    {
        get
        {
            lock (_gate)
            {
                return _clients.Count;
            }
        }
    }

    /// <summary>Sends the changes since the previous snapshot; does not wait for clients.</summary>
    public void Publish(Snapshot snapshot)
    {
        lock (_gate)
        {
            var first = _snapshot is null;
            _snapshot = snapshot;
            _snapshotFrame = null;
            var now = Parts(snapshot).ToDictionary(part => (part.Event, part.Key), part => part.Utf8);
            var removed = _sent.Keys.Any(key => IsMember(key.Event) && !now.ContainsKey(key));
            var changed = now.Where(part => !_sent.TryGetValue(part.Key, out var before) || !before.AsSpan().SequenceEqual(part.Value)).ToList();
            _sent = now;
            if (first)
            {
                return;
            }

            if (removed)
            {
                Send(StreamEvents.Snapshot, JsonSerializer.SerializeToUtf8Bytes(Whole(snapshot), Json.StreamSnapshot));
                return;
            }

            foreach (var ((name, _), utf8) in changed)
            {
                // The cluster is compared by its rarely changing parts, and sent in full.
                Send(name, name == StreamEvents.Cluster ? snapshot.Cluster.Utf8 : utf8);
            }
        }
    }

    /// <summary>Adds a client. It starts after <paramref name="lastEventId"/> if that event is still kept, otherwise with the whole snapshot.</summary>
    /// <returns>Null while there is no snapshot, or if the maximum number of clients is reached.</returns>
    public StreamClient? Subscribe(string? lastEventId)
    {
        lock (_gate)
        {
            if (_snapshot is null || _clients.Count >= MaxClients)
            {
                return null;
            }

            StreamClient client;
            if (Resumable(lastEventId) is { } seen)
            {
                client = new([.. _ring.Where(each => each.Id > seen).Select(each => each.Frame)]);
            }
            else
            {
                _snapshotFrame ??= Frame(_lastId, StreamEvents.Snapshot, JsonSerializer.SerializeToUtf8Bytes(Whole(_snapshot), Json.StreamSnapshot));
                client = new([_snapshotFrame]);
            }

            _clients.Add(client);
            return client;
        }
    }

    public void Unsubscribe(StreamClient client)
    {
        lock (_gate)
        {
            _clients.Remove(client);
        }
    }

    private static bool IsMember(string name) => name is StreamEvents.Consumer or StreamEvents.Producer or StreamEvents.Partition;

    private static IEnumerable<(string Event, string Key, byte[] Utf8)> Parts(Snapshot snapshot)
    {
        yield return (StreamEvents.System, "", snapshot.System.Utf8);
        foreach (var part in Each(StreamEvents.Consumer, snapshot.Consumers.Value, item => item.ConsumerId, Json.ConsumerHealthBody)
            .Concat(Each(StreamEvents.Producer, snapshot.Producers.Value, item => item.ProducerId, Json.ProducerHealthBody))
            .Concat(Each(StreamEvents.Partition, snapshot.Cluster.Value.Partitions, item => item.Partition.ToString(CultureInfo.InvariantCulture), Json.PartitionBody))
            .Concat(Each(StreamEvents.Rebalance, NewestRebalances.Of(snapshot.RebalancingEvents).Reverse(), item => $"{item.Id}", Json.RebalancingEventBody))
            .Concat(Each(StreamEvents.Alert, snapshot.Alerts.Value.Reverse(), item => item.AlertId.ToString(), Json.AlertBody)))
        {
            yield return part;
        }

        var cluster = snapshot.Cluster.Value;
        var lasting = cluster with
        {
            MeasuredAt = null,
            LagMeasuredAt = null,
            Partitions = [.. cluster.Partitions.Select(partition => new PartitionBody(
                partition.Partition, partition.Leader, partition.Replicas, partition.InSyncReplicas, null, null, null, null, partition.Owner, partition.Generation))],
        };
        yield return (StreamEvents.Cluster, "", JsonSerializer.SerializeToUtf8Bytes(lasting, Json.ClusterBody));
        yield return (StreamEvents.Metrics, "", snapshot.Metrics.Utf8);
        yield return (StreamEvents.Ledger, "", snapshot.Ledger.Utf8);
    }

    private static IEnumerable<(string Event, string Key, byte[] Utf8)> Each<T>(string name, IEnumerable<T> items, Func<T, string> key, JsonTypeInfo<T> type) =>
        items.Select(item => (name, key(item), JsonSerializer.SerializeToUtf8Bytes(item, type)));

    /// <summary>Returns everything that a page needs to draw itself.</summary>
    public static StreamSnapshot Whole(Snapshot snapshot) => new(
        snapshot.System.Value,
        snapshot.Consumers.Value,
        snapshot.Producers.Value,
        snapshot.Cluster.Value,
        snapshot.Metrics.Value,
        snapshot.Ledger.Value,
        snapshot.Alerts.Value,
        NewestRebalances.Of(snapshot.RebalancingEvents),
        snapshot.TakenAt,
        snapshot.Stale);

    private void Send(string name, byte[] utf8)
    {
        var id = ++_lastId;
        var frame = Frame(id, name, utf8);
        if (_ring.Count == Kept)
        {
            _ring.Dequeue();
        }

        _ring.Enqueue((id, frame));
        _clients.RemoveWhere(client => !client.TrySend(frame));
    }

    private byte[] Frame(long id, string name, byte[] utf8) =>
        [.. Encoding.UTF8.GetBytes($"id: {_process}-{id}\nevent: {name}\ndata: "), .. utf8, .. "\n\n"u8];

    private long? Resumable(string? lastEventId)
    {
        if (lastEventId is null || !lastEventId.StartsWith(_process + "-", StringComparison.Ordinal)
            || !long.TryParse(lastEventId.AsSpan(_process.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var seen)
            || seen > _lastId)
        {
            return null;
        }

        var oldest = _ring.TryPeek(out var first) ? first.Id : _lastId + 1;
        return seen >= oldest - 1 ? seen : null;
    }
}
