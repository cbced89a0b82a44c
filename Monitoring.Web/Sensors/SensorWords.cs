using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Sensors;

internal static class SensorWords
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    /// <summary>The class of an alert_level.</summary>
    public static string Level(string alertLevel) => alertLevel switch
    {
        "critical" => "critical",
        "warning" => "warning",
        _ => "ok",
    };

    public static string Level(ProducerHealthBody producer) => producer switch
    {
        { Stopped: true } => "idle",
        { Status: not "active" } => "critical",
        { Connection: not (null or "connected") } => "warning",
        _ => "ok",
    };

    public static string State(ProducerHealthBody producer) =>
        producer.Stopped ? "stopped" : producer is { Status: "active", Connection: not (null or "connected") and { } connection } ? connection : producer.Status;

    /// <summary>Nobody publishes readings of its type, and its newest has been lying for a while.</summary>
    public static bool IsSilent(SensorBody sensor, IEnumerable<ProducerHealthBody> producers, DateTimeOffset now) =>
        now - sensor.LastTimestamp > Quiet && !producers.Any(producer => producer.SensorType == sensor.SensorType && producer.Status == "active");

    public static string Place(string? section, string? machine, string? zone) =>
        string.Join(" · ", new[] { section, machine, zone }.Where(part => !string.IsNullOrEmpty(part)));

    public static IReadOnlyList<(string Value, string Words)> Types { get; } =
        [.. SensorCatalog.Types.Keys.Order(StringComparer.Ordinal).Select(name => (name, name))];
}
