namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>The topic of the readings.</summary>
internal sealed record SensorTopic(string Name);
