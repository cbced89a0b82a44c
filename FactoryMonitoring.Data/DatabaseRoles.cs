namespace FactoryMonitoring.Data;

/// <summary>What each role of the services may do with a table or view: of SELECT, INSERT, UPDATE, DELETE the first letters, in this order.</summary>
/// <param name="Ingest">Consumers.</param>
/// <param name="Sensor">Sensors.</param>
/// <param name="Monitor">Monitoring.Api, the fault lab, and what the AppHost writes down.</param>
/// <param name="Audit">Monitoring.Web, which writes who signed in and what it refused, and reads nothing here.</param>
public sealed record TableGrant(string Table, string Ingest, string Sensor, string Monitor, string Audit = "")
{
    /// <summary>The privileges of a role, as SQL names them.</summary>
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
/// The roles of the database. The owner has all tables, and nobody signs in as it; each service signs in as a role that may do what its statements need.
/// The days of readings have no rows here: who may read or write their parent may do so in them through it.
/// </summary>
public static class DatabaseRoles
{
    public const string Owner = "factory_owner";
    public const string Ingest = "factory_ingest";
    public const string Sensor = "factory_sensor";
    public const string Monitor = "factory_monitor";
    public const string Audit = "factory_audit";

    /// <summary>Those that services sign in as.</summary>
    public static IReadOnlyList<string> Services { get; } = [Ingest, Sensor, Monitor, Audit];

    /// <summary>Each table and view of the schema. A migration that adds one adds its row.</summary>
    public static IReadOnlyList<TableGrant> Grants { get; } =
    [
        new("acknowledged_totals", "SD", "SIU", "S"),
        new("acknowledgements", "SD", "I", "S"),
        new("alerts", "SIUD", "", "SIU"),
        new("audit_log", "", "", "SI", Audit: "I"),
        new("backfilled_sensors", "SIUD", "", "S"),
        new("backfills", "SD", "SIU", "S"),
        new("component_exits", "SD", "", "SI"),
        new("consumer_health", "SIUD", "", "SU"),
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
        new("producer_health", "SD", "SIU", "SU"),
        new("producer_samples", "SD", "SIU", "S"),
        new("reading_audit", "SU", "", "S"),
        new("reading_batches", "SID", "", "S"),
        // UPDATE: a log that was cut short is given another key.
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

    /// <summary>What consumers call to have the owner do it.</summary>
    public static IReadOnlyList<string> IngestFunctions { get; } = ["provide_reading_days(integer)", "drop_expired_day(text)", "drop_old_audit(integer)"];
}
