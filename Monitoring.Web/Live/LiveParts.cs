namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>The parts of the live state that change independently; a component names the parts that it shows.</summary>
[Flags]
public enum LiveParts
{
    None = 0,
    Link = 1 << 0,
    System = 1 << 1,
    Consumers = 1 << 2,
    Producers = 1 << 3,
    Cluster = 1 << 4,
    Metrics = 1 << 5,
    Ledger = 1 << 6,
    Alerts = 1 << 7,
    Rebalances = 1 << 8,
    Ownership = 1 << 9,
    History = 1 << 10,
    All = (1 << 11) - 1,
}
