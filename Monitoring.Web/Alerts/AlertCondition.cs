using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Alerts;

/// <summary>The alerts of one sensor during a time, whatever rules it broke; or of one part of the system.</summary>
/// <param name="Worst">The alert that represents the condition: the newest of those with the highest severity.</param>
/// <param name="Alerts">The alerts, newest first.</param>
public sealed record AlertCondition(AlertBody Worst, IReadOnlyList<AlertBody> Alerts)
{
    /// <summary>Alerts of a sensor with a shorter time between them belong to the same condition.</summary>
    private static readonly TimeSpan MaximumGap = TimeSpan.FromMinutes(5);

    public Guid Key => Alerts[^1].AlertId;

    public bool IsOpen => Alerts.Any(alert => alert.ResolvedAt is null);

    public DateTimeOffset RaisedAt => Alerts[^1].Timestamp;

    /// <summary>When all alerts were resolved; null while one is open.</summary>
    public DateTimeOffset? ResolvedAt => IsOpen ? null : Alerts.Max(alert => alert.ResolvedAt);

    /// <summary>The rules that were broken, each once, the worst first.</summary>
    public string Rules => string.Join(" + ", Alerts.OrderBy(alert => Rank(alert.Severity)).Select(alert => AlertWords.Rule(alert.AnomalyType)).Distinct());

    public string? Machine => Worst.Location?.MachineId is { Length: > 0 } machine ? machine : null;

    /// <param name="alerts">Alerts in any order.</param>
    /// <returns>The conditions, the one with the newest alert first.</returns>
    public static IReadOnlyList<AlertCondition> Of(IEnumerable<AlertBody> alerts) =>
    [
        .. alerts.GroupBy(alert => (alert.SensorId, alert.Backfill, System: AlertWords.IsSystem(alert) ? alert.AnomalyType : null)).SelectMany(Split)
            .OrderByDescending(condition => condition.Alerts[0].Timestamp),
    ];

    internal static int Rank(string severity) => severity switch { Severities.Critical => 0, Severities.High => 1, Severities.Medium => 2, _ => 3 };

    private static IEnumerable<AlertCondition> Split(IEnumerable<AlertBody> ofOne)
    {
        var current = new List<AlertBody>();
        var until = DateTimeOffset.MinValue;
        foreach (var alert in ofOne.OrderBy(alert => alert.Timestamp))
        {
            if (current.Count > 0 && alert.Timestamp - until > MaximumGap)
            {
                yield return Whole(current);
                current = [];
            }

            current.Add(alert);
            var end = alert.ResolvedAt ?? DateTimeOffset.MaxValue - MaximumGap;
            if (current.Count == 1 || end > until) until = end;
        }

        if (current.Count > 0) yield return Whole(current);
    }

    private static AlertCondition Whole(List<AlertBody> rising)
    {
        AlertBody[] newest = [.. rising.AsEnumerable().Reverse()];
        return new(newest.MinBy(alert => Rank(alert.Severity))!, newest);
    }
}
