namespace FactoryMonitoring.Tests;

/// <summary>The metrics of monitoring-api about cluster, group and account, which it has with every backing and from its first measurement on.</summary>
internal static class ApiInstruments
{
    /// <summary>The names at /metrics, and those of the instruments.</summary>
    public static IReadOnlyList<(string Metric, string Instrument)> All { get; } =
    [
        ("kafka_brokers", "kafka.brokers"),
        ("kafka_consumer_group_members", "kafka.consumer_group.members"),
        ("kafka_consumer_group_lag", "kafka.consumer_group.lag"),
        ("kafka_consumer_group_lag_sum", "kafka.consumer_group.lag_sum"),
        ("kafka_consumer_group_offset", "kafka.consumer_group.offset"),
        ("kafka_partition_current_offset", "kafka.partition.current_offset"),
        ("kafka_partition_replicas_in_sync", "kafka.partition.replicas_in_sync"),
        ("factory_delivery_missing_total", "factory.delivery.missing"),
        ("factory_delivery_duplicated_total", "factory.delivery.duplicated"),
    ];

    /// <summary>Returns those that a service's /metrics has, in the order of the list.</summary>
    public static IEnumerable<string> In(string metrics)
    {
        var names = metrics.Split('\n').Select(line => line.Split('{', ' ')[0]).ToHashSet();
        return All.Select(each => each.Metric).Where(names.Contains);
    }
}
