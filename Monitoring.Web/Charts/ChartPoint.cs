namespace FactoryMonitoring.Monitoring.Web.Charts;

/// <param name="Level">ok, warning, critical; empty if a state has no meaning.</param>
/// <param name="Tip">The details that are shown on hover.</param>
/// <param name="Marked">Whether the point is highlighted.</param>
public sealed record ChartPoint(DateTimeOffset At, double Value, string Level, string Tip, bool Marked = false);

public sealed record ChartThreshold(string Name, double Value, string Level);
