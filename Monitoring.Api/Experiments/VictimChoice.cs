using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Snapshots;

namespace FactoryMonitoring.Monitoring.Api.Experiments;

/// <summary>Says who suffers, of those who are there now.</summary>
internal static class VictimChoice
{
    private const string LinkedConsumer = "sensor-consumer-3";
    private const string Database = "postgres";
    private const string Sensor = "temperature-sensor";

    /// <returns>Names of resources.</returns>
    /// <exception cref="RunAbortedException">There is nobody of that kind.</exception>
    public static async Task<IReadOnlyList<string>> ChooseAsync(VictimKind kind, Snapshot snapshot, CancellationToken cancellationToken)
    {
        var cluster = snapshot.Situation.Cluster!;
        var consumers = snapshot.Consumers.Value.Where(consumer => consumer.Status == Statuses.Active).ToList();
        switch (kind)
        {
            case VictimKind.Consumer:
                return consumers.Count < 2
                    ? throw new RunAbortedException("Nobody could take over: there are fewer than two consumers.")
                    : [consumers.MaxBy(consumer => consumer.AssignedPartitions.Count)!.ConsumerId];
            case VictimKind.TwoConsumers:
                return consumers.Count < 3
                    ? throw new RunAbortedException("There are fewer than three consumers.")
                    : [.. consumers.Skip(1).Select(consumer => consumer.ConsumerId)];
            case VictimKind.LinkedConsumer:
                return consumers.Exists(consumer => consumer.ConsumerId == LinkedConsumer && consumer.AssignedPartitions.Count > 0) && consumers.Count > 1
                    ? [LinkedConsumer]
                    : throw new RunAbortedException($"{LinkedConsumer}, which is behind the link, has no partitions, or nobody could take over.");
            case VictimKind.Sensor:
                var sensors = snapshot.Producers.Value.Where(sensor => sensor.Status == Statuses.Active).Select(sensor => sensor.ProducerId).ToList();
                return [sensors.Contains(Sensor) ? Sensor : sensors[0]];
            case VictimKind.Database:
                return [Database];
            case VictimKind.AllBrokers:
                return [.. cluster.Brokers.Select(broker => broker.Name)];
            case VictimKind.Broker or VictimKind.Controller:
                var controller = await ControllerQuery.AskAsync(cluster.Brokers, cancellationToken);
                var leaders = cluster.Partitions.Values.Select(partition => partition.Leader).ToHashSet();
                var victim = cluster.Brokers.FirstOrDefault(broker => kind == VictimKind.Controller ? broker.Id == controller : broker.Id != controller && leaders.Contains(broker.Id));
                return victim is null
                    ? throw new RunAbortedException(kind == VictimKind.Controller ? "No broker says who the active controller is." : "No broker but the active controller leads a partition.")
                    : [victim.Name];
            default:
                return [];
        }
    }
}
