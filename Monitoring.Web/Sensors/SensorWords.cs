using System.Globalization;
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

    /// <summary>Its producer still writes where it is, which it does once a second.</summary>
    public static bool Runs(ReplayBody? replay, DateTimeOffset now) => replay is { IsOver: false } && now - replay.UpdatedAt < Quiet;

    /// <summary>Where a replay is: file, row, share and the file's time.</summary>
    public static string Place(ReplayBody replay, DateTimeOffset now) => string.Create(
        CultureInfo.InvariantCulture,
        $"{replay.File}: row {replay.Row:N0} of {replay.Rows:N0} ({(replay.Rows > 0 ? Math.Floor(100.0 * replay.Played / replay.Rows) : 0)} %){(replay.SourceTimestamp is { } time ? $", file time {time}" : "")}{(replay.IsOver ? ", ended" : Runs(replay, now) ? "" : ", stopped")}");

    public static IReadOnlyList<(string Value, string Words)> Types { get; } =
        [.. SensorCatalog.Types.Keys.Order(StringComparer.Ordinal).Select(name => (name, name))];
}
