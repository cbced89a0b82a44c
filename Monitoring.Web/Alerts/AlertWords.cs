using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using static FactoryMonitoring.Monitoring.Web.Display;

namespace FactoryMonitoring.Monitoring.Web.Alerts;

/// <summary>An alert in words: what happened on one line, why on the next.</summary>
internal static class AlertWords
{
    public static string Rule(string anomalyType) => anomalyType switch
    {
        AnomalyTypes.ConsecutiveHigh => "several high in a row",
        AnomalyTypes.RapidChange => "rapid change",
        AnomalyTypes.BaselineDeviation => "off its baseline",
        AnomalyTypes.CriticalThreshold => "over critical",
        AnomalyTypes.UnusualValue => "unusual",
        _ => anomalyType.Replace('_', ' '), // rules about the system itself are already words
    };

    /// <summary>All rules, those about readings first.</summary>
    public static IReadOnlyList<(string Value, string Words)> Rules { get; } =
    [
        .. new[]
        {
            AnomalyTypes.CriticalThreshold, AnomalyTypes.ConsecutiveHigh, AnomalyTypes.RapidChange, AnomalyTypes.BaselineDeviation, AnomalyTypes.UnusualValue, AnomalyTypes.Silent,
            "consumer_down", "sensor_down", "broker_down", "database_down", "partition_stalled", "ledger_violated",
        }.Select(rule => (rule, Rule(rule))),
    ];

    public static string End(AlertBody alert) => alert.ResolvedBecause switch
    {
        AlertEnds.NoData => "The sensor sends nothing any more: closed",
        AlertEnds.MemoryLost => "The memory of this partition was lost, so nobody would have seen the condition clear: closed",
        AlertEnds.OtherPartition => "The sensor's readings come in several partitions, and another one judges them: closed",
        AlertEnds.LogEnded => "The log that the reading stood in has ended: closed",
        AlertEnds.Backfill => "Of backfilled readings: it never was open",
        _ => "Resolved by itself",
    };

    public static string ShortEnd(AlertBody alert) => alert.ResolvedBecause switch
    {
        AlertEnds.NoData => "no data: closed",
        AlertEnds.MemoryLost => "memory lost: closed",
        AlertEnds.OtherPartition => "judged elsewhere: closed",
        AlertEnds.LogEnded => "log ended: closed",
        AlertEnds.Backfill => "backfill",
        _ => "resolved",
    };

    public static bool IsSystem(AlertBody alert) => alert.SensorType == Severities.SystemType;

    public static string What(AlertBody alert) => alert.AnomalyType == AnomalyTypes.Silent ? $"{alert.SensorId} · silent"
        : IsSystem(alert) || alert.SensorValue is null ? alert.Description
        : $"{alert.SensorId} · {Value(alert.SensorValue, alert.SensorUnit)}";

    public static string Why(AlertBody alert)
    {
        var where = alert is { KafkaPartition: { } partition, KafkaOffset: { } offset } ? $" · P{partition}, offset {Count(offset)}" : "";
        var episode = alert.Occurrences is > 1 ? $" · {Plural(alert.Occurrences.Value, "reading")}" : "";
        return IsSystem(alert) ? $"system · {Rule(alert.AnomalyType)}{(alert.ResolvedAt is null ? "" : " · resolved")}"
            : $"{(alert.AnomalyType == AnomalyTypes.UnusualValue ? alert.Description : Rule(alert.AnomalyType))}{episode}{where}{(alert.Backfill ? " · backfill" : alert.ResolvedAt is null ? "" : " · resolved")}";
    }

    /// <summary>Returns the shape of a severity, which distinguishes the highest severity from the next one in addition to the color.</summary>
    public static string Shape(string severity) => severity == Severities.Critical ? "diamond" : "";

    /// <summary>Returns the page of the part of the system that the alert is about; null if it has none.</summary>
    public static string? Part(AlertBody alert, IEnumerable<BrokerBody> brokers) => alert.AnomalyType switch
    {
        "consumer_down" => ComponentPath.Consumer(alert.SensorId),
        "sensor_down" => ComponentPath.Producer(alert.SensorId),
        "broker_down" => brokers.FirstOrDefault(broker => broker.Name == alert.SensorId) is { } broker ? $"/brokers/{broker.Id}" : "/brokers",
        "partition_stalled" => "/partitions",
        _ => null,
    };

    /// <summary>Returns the color class of a severity.</summary>
    public static string Level(string severity) => severity switch
    {
        Severities.Critical or Severities.High => "critical",
        Severities.Medium => "warning",
        _ => "idle",
    };
}
