using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>Chooses the victims among the components that are present.</summary>
internal static class VictimChoice
{
    private static readonly string LinkedConsumer = ResourceNames.Consumer(ResourceNames.LinkedConsumer);
    private static readonly string Sensor = ResourceNames.Sensor(SensorCatalog.Temperature.Name);

    /// <returns>Names of resources.</returns>
    /// <exception cref="RunAbortedException">There is no component of that kind.</exception>
    public static IReadOnlyList<string> Choose(VictimKind kind, StreamSnapshot snapshot)
    {
        var cluster = snapshot.Cluster;
        var consumers = snapshot.ActiveConsumers().ToList();
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
                var sensors = snapshot.Producers.Where(sensor => sensor.Status == Statuses.Active).Select(sensor => sensor.ProducerId).ToList();
                return [sensors.Contains(Sensor) ? Sensor : sensors[0]];
            case VictimKind.Database:
                return [ResourceNames.Postgres];
            case VictimKind.AllBrokers:
                return [.. cluster.Brokers.Select(broker => broker.Name)];
            case VictimKind.Broker:
                return cluster.Brokers.FirstOrDefault(broker => broker is { Controller: not true, LeaderOf: > 0 }) is { } leader
                    ? [leader.Name]
                    : throw new RunAbortedException("No broker but the active controller leads a partition.");
            case VictimKind.Controller:
                return cluster.Brokers.FirstOrDefault(broker => broker.Controller == true) is { } controller
                    ? [controller.Name]
                    : throw new RunAbortedException("No broker says who the active controller is.");
            default:
                return [];
        }
    }
}
