namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>The brokers' bootstrap list.</summary>
internal sealed record KafkaAddress(string BootstrapServers);
