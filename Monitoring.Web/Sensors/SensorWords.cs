using System.Globalization;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Sensors;

internal static class SensorWords
{
    private const int Intervals = 5;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan QuietAtFirst = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ClockIsOff = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FarBehind = TimeSpan.FromDays(30);
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(10);

    /// <summary>Returns the CSS class of an alert_level.</summary>
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

    /// <summary>Returns whether no reading has arrived for five of the sensor's intervals and for 10 s; for a minute if its interval is not known.</summary>
    public static bool IsSilent(SensorBody sensor, DateTimeOffset now)
    {
        var usual = sensor.IntervalMs is { } interval ? TimeSpan.FromMilliseconds(interval) * Intervals : QuietAtFirst;
        return now - sensor.LastProcessed > (usual > Quiet ? usual : Quiet);
    }

    /// <summary>Describes how the sensor's clock differs from the broker's; null if the difference is less than a minute or not known.</summary>
    public static string? Clock(SensorBody sensor)
    {
        var offset = TimeSpan.FromMilliseconds(sensor.ClockOffsetMs ?? 0);
        return offset.Duration() < ClockIsOff ? null : $"{About(offset.Duration())} {(offset > TimeSpan.Zero ? "ahead" : "behind")}";
    }

    /// <summary>
    /// Returns whether readings must be drawn by their arrival: the sensor's clock is off, or one of the readings is from another clock than the others: ahead of
    /// its arrival, or so long before the next one that no pause explains it.
    /// </summary>
    public static bool IsByArrival(SensorBody sensor, IReadOnlyList<ReadingBody> readings)
    {
        if (Clock(sensor) is not null || readings.Any(reading => reading.Timestamp - reading.ProcessingTimestamp >= ClockIsOff))
        {
            return true;
        }

        var ordered = readings.OrderBy(reading => reading.Timestamp).ToList();
        return ordered.Zip(ordered.Skip(1), (one, next) => (Step: next.Timestamp - one.Timestamp, Arrival: (next.ProcessingTimestamp - one.ProcessingTimestamp).Duration()))
            .Any(pair => pair.Step >= FarBehind && pair.Step > pair.Arrival * 2);
    }

    /// <summary>Returns the warning threshold in force: from the sensor's messages, otherwise from its type.</summary>
    public static double? Warning(SensorBody sensor) => sensor.WarningThreshold ?? sensor.RuleWarning;

    /// <summary>Returns the critical threshold in force: from the sensor's messages, otherwise from its type.</summary>
    public static double? Critical(SensorBody sensor) => sensor.CriticalThreshold ?? sensor.RuleCritical;

    /// <summary>Returns whether the sensor's readings have recently arrived in several partitions.</summary>
    public static bool IsScattered(SensorBody sensor, DateTimeOffset now) => now - sensor.ElsewhereAt < Late;

    private static string About(TimeSpan span) => span switch
    {
        { TotalDays: >= 730 } => $"{span.TotalDays / 365.25:0}\u00a0years",
        { TotalHours: >= 48 } => $"{span.TotalDays:0}\u00a0days",
        { TotalMinutes: >= 90 } => $"{span.TotalHours:0.#}\u00a0h",
        _ => $"{span.TotalMinutes:0}\u00a0min",
    };

    public static string Place(string? section, string? machine, string? zone) =>
        string.Join(" · ", new[] { section, machine, zone }.Where(part => !string.IsNullOrEmpty(part)));

    /// <summary>Returns whether the producer still writes its position, which it does once a second.</summary>
    public static bool Runs(ReplayBody? replay, DateTimeOffset now) => replay is { IsOver: false } && now - replay.UpdatedAt < Quiet;

    /// <summary>
    /// Returns the position of a replay: file, row, percentage and the file's time. For a backfill: how much of the file is stored, the rate, the time left.
    /// </summary>
    public static string Place(ReplayBody replay, DateTimeOffset now) => replay.IsBackfill ? BackfillPlace(replay, now) : string.Create(
        CultureInfo.InvariantCulture,
        $"{replay.File}: row {replay.Row:N0} of {replay.Rows:N0} ({(replay.Rows > 0 ? Math.Floor(100.0 * replay.Played / replay.Rows) : 0)} %){(replay.SourceTimestamp is { } time ? $", file time {time}" : "")}{(replay.IsOver ? ", ended" : Runs(replay, now) ? "" : ", stopped")}");

    private static string BackfillPlace(ReplayBody replay, DateTimeOffset now)
    {
        var (stored, readings) = (replay.Stored ?? 0, replay.Readings ?? 0);
        var share = readings > 0 ? Math.Floor(100.0 * stored / readings) : 0;
        var pace = replay.IsOver ? ", ended"
            : !Runs(replay, now) ? ", stopped"
            : replay is { RowsPerSecond: { } rate, SecondsLeft: { } left } ? string.Create(CultureInfo.InvariantCulture, $", {rate:N0} rows/s, {Display.Duration(TimeSpan.FromSeconds(Math.Ceiling(left)))} left")
            : ", waits for the consumers";
        return string.Create(CultureInfo.InvariantCulture, $"{replay.File}: {stored:N0} of {readings:N0} readings stored ({share} %){pace}");
    }

    public static IReadOnlyList<(string Value, string Words)> Types { get; } =
        [.. SensorCatalog.Types.Keys.Order(StringComparer.Ordinal).Select(name => (name, name))];
}
