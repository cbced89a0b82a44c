namespace FactoryMonitoring.Monitoring.Web.Charts;

/// <param name="Level">ok, warning, critical; empty where a state means nothing.</param>
/// <param name="Tip">What is said of it when it is pointed at.</param>
/// <param name="Marked">The one that matters.</param>
public sealed record ChartPoint(DateTimeOffset At, double Value, string Level, string Tip, bool Marked = false);

public sealed record ChartThreshold(string Name, double Value, string Level);
