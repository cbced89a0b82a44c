using System.Globalization;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using static FactoryMonitoring.Monitoring.Web.Display;

namespace FactoryMonitoring.Monitoring.Web.FaultLab;

/// <summary>The wording of the fault lab.</summary>
internal static class LabWords
{
    private const char Nbsp = '\u00a0';

    /// <summary>The protocols that are compared: their values in the consumers' setting, and their names for people.</summary>
    public static readonly (string Value, string Words)[] Protocols =
        [("classic-range", "classic, eager"), ("classic", "classic, cooperative"), ("consumer", "KIP-848")];

    /// <summary>The phases of a run, in their order.</summary>
    public static readonly (string Value, string Words)[] Phases =
    [
        (ExperimentPhases.Steady, "Steady state"),
        (ExperimentPhases.Fault, "Fault"),
        (ExperimentPhases.Observation, "Observation"),
        (ExperimentPhases.Recovery, "Undone"),
        (ExperimentPhases.Verdict, "Verdict"),
    ];

    /// <summary>Minimum number of recoveries for a percentile.</summary>
    public const int LeastForPercentiles = 5;

    /// <summary>Returns the part that an experiment breaks.</summary>
    public static string Group(string experiment) => experiment switch
    {
        "consumer-killed" or "consumer-paused" or "two-consumers-killed" or "scale" or "network-cut" => "Consumers",
        "broker-killed" or "controller-killed" or "rolling-restart" => "Brokers",
        "database-restarted" or "database-away" => "Database",
        "sensor-killed" or "poison-burst" => "Sensors and messages",
        "load-step" => "Load",
        _ => "Others",
    };

    public static string Protocol(string? protocol) => protocol is null ? "–" : Protocols.FirstOrDefault(each => each.Value == protocol).Words ?? protocol;

    public static string Backing(string? backing) => backing switch
    {
        null => "–",
        KafkaBackings.Embedded => "embedded brokers",
        KafkaBackings.Processes => "brokers as processes",
        KafkaBackings.Containers => "brokers in containers",
        KafkaBackings.External => "external brokers",
        _ => backing,
    };

    public static string Level(string? verdict) => verdict switch
    {
        Verdicts.Pass => "ok",
        Verdicts.Fail => "critical",
        Verdicts.Running => "warning",
        _ => "idle",
    };

    /// <summary>840 ms, 6.98 s: exact enough to be compared with a limit.</summary>
    public static string Exact(double? ms) => ms switch
    {
        null => "–",
        < 1000 => $"{ms.Value.ToString("0", CultureInfo.InvariantCulture)}{Nbsp}ms",
        < 60_000 => $"{(ms.Value / 1000).ToString("0.00", CultureInfo.InvariantCulture)}{Nbsp}s",
        _ => Duration(TimeSpan.FromMilliseconds(ms.Value)),
    };

    /// <summary>Formats a measured value or a limit in the unit of its check.</summary>
    public static string Quantity(double? value, string unit) =>
        unit == "ms" ? Exact(value) : value is { } known ? $"{known.ToString("#,0.##", CultureInfo.InvariantCulture)}{Nbsp}{unit}".TrimEnd() : "–";

    /// <summary>at most 7.00 s; none if nothing is allowed.</summary>
    public static string Allowed(double limit, string unit) => limit == 0 ? "none" : $"at most {Quantity(limit, unit)}";

    /// <summary>+0.31 s, −0.12 s.</summary>
    public static string Difference(double ms) =>
        $"{(ms < 0 ? "−" : "+")}{(Math.Abs(ms) / 1000).ToString("0.00", CultureInfo.InvariantCulture)}{Nbsp}s";
}
