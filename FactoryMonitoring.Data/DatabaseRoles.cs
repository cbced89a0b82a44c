namespace FactoryMonitoring.Data;

/// <summary>The privileges of each service role on a table or view: the first letters of SELECT, INSERT, UPDATE, DELETE, in this order.</summary>
/// <param name="Ingest">Consumers.</param>
/// <param name="Sensor">Sensors.</param>
/// <param name="Monitor">Monitoring.Api, the fault lab, and the AppHost's records.</param>
/// <param name="Audit">Monitoring.Web, which records who signed in and what it refused, and reads nothing here.</param>
public sealed record TableGrant(string Table, string Ingest, string Sensor, string Monitor, string Audit = "")
{
    /// <summary>Returns the privileges of a role, by their SQL names.</summary>
    public IReadOnlyList<string> Of(string role) =>
    [
        .. (role switch
        {
            DatabaseRoles.Ingest => Ingest,
            DatabaseRoles.Sensor => Sensor,
            DatabaseRoles.Monitor => Monitor,
            DatabaseRoles.Audit => Audit,
            _ => throw new ArgumentOutOfRangeException(nameof(role), role, "is no role of a service"),
        }).Select(letter => letter switch { 'S' => "SELECT", 'I' => "INSERT", 'U' => "UPDATE", 'D' => "DELETE", _ => throw new InvalidOperationException($"{letter} is no privilege") }),
    ];
}

/// <summary>
/// The roles of the database. The owner owns all tables, and nobody signs in as it; each service signs in as a role with the privileges that its statements
/// need. The daily partitions of readings have no rows here: a role accesses them through its privileges on the parent.
/// </summary>
public static class DatabaseRoles
{
    public const string Owner = "factory_owner";
    public const string Ingest = "factory_ingest";
    public const string Sensor = "factory_sensor";
    public const string Monitor = "factory_monitor";
    public const string Audit = "factory_audit";

    /// <summary>The roles that services sign in as.</summary>
    public static IReadOnlyList<string> Services { get; } = [Ingest, Sensor, Monitor, Audit];

    /// <summary>Each table and view of the schema. A migration that adds a table or view must add its row here.</summary>
    public static IReadOnlyList<TableGrant> Grants { get; } =
    [
        new("acknowledged_totals", "SD", "SIU", "S"),
        new("acknowledgements", "SD", "I", "S"),
        new("alerts", "SIUD", "", "SIU"),
        new("audit_log", "", "", "SI", Audit: "I"),
        new("backfilled_sensors", "SIUD", "", "S"),
        new("backfills", "SD", "SIU", "S"),
        new("cluster_changes", "SD", "", "SI"),
        new("component_exits", "SD", "", "SI"),
        new("consumer_health", "SIUD", "", "SU"),
        new("consumer_minutes", "SD", "", "SI"),
        new("consumer_samples", "SID", "", "S"),
        new("consumers", "SID", "", "S"),
        new("database_identity", "S", "", "S"),
        new("detector_changes", "SID", "", "S"),
        new("detector_snapshots", "SIUD", "", "S"),
        new("experiment_runs", "SD", "", "SIU"),
        new("ingest_buckets", "SIUD", "", "S"),
        new("ingest_totals", "SIUD", "", "S"),
        new("lag_samples", "SD", "", "SI"),
        new("ledger", "SIUD", "", "S"),
        new("ledger_violations", "SID", "", "S"),
        new("logs", "SID", "SI", "S"),
        new("outbox", "SIUD", "", "S"),
        new("partition_offsets", "SIUD", "S", "S"),
        new("partition_ownership", "SIUD", "", "S"),
        new("pipeline_minutes", "SD", "", "SI"),
        new("producer_health", "SD", "SIU", "SU"),
        new("producer_samples", "SD", "SIU", "S"),
        new("reading_audit", "SU", "", "S"),
        new("reading_batches", "SID", "", "S"),
        // UPDATE: a truncated log gets another key.
        new("readings", "SIU", "S", "S"),
        new("rebalancing_events", "SIUD", "", "S"),
        new("rejected_messages", "SIUD", "", "S"),
        new("replays", "SD", "SIU", "S"),
        new("retention", "S", "", "S"),
        new("schema_migrations", "S", "S", "S"),
        new("sensor_descriptions", "SIUD", "S", "S"),
        new("sensor_latest", "SIUD", "", "S"),
        new("sensor_readings", "", "", "S"),
        new("sensor_sequences", "SD", "SIU", "S"),
        new("sensors", "", "", "S"),
        // Written by triggers of consumer_health and producer_health.
        new("status_changes", "SID", "I", "SI"),
        new("throughput_record", "", "", "SIU"),
        new("unread_members", "SIUD", "", "S"),
    ];

    /// <summary>Functions that consumers call and that run with the owner's privileges.</summary>
    public static IReadOnlyList<string> IngestFunctions { get; } = ["provide_reading_days(integer)", "drop_expired_day(text)", "drop_old_audit(integer)"];
}
