using System.Globalization;

namespace FactoryMonitoring.Contracts;

/// <summary>Names shared by the parts of the system: connections, resources, channels. Topics and group are in <see cref="KafkaNames"/>.</summary>
public static class ResourceNames
{
    /// <summary>Name of the Kafka connection string: the bootstrap list.</summary>
    public const string Kafka = "kafka";

    /// <summary>Name of the PostgreSQL connection string.</summary>
    public const string Database = "factorydb";

    public const string Provisioner = "provisioner";
    public const string MonitoringApi = "monitoring-api";
    public const string MonitoringWeb = "monitoring-web";
    public const string FaultLab = "fault-lab";

    /// <summary>The PostgreSQL server.</summary>
    public const string Postgres = "postgres";

    /// <summary>The sensor that replays a recorded file.</summary>
    public const string ReplaySensor = "replay" + SensorSuffix;

    /// <summary>Number of the consumer whose link to the brokers can be cut.</summary>
    public const int LinkedConsumer = 3;

    private const string ConsumerPrefix = "sensor-consumer-";
    private const string BrokerPrefix = "kafka";
    private const string SensorSuffix = "-sensor";

    /// <param name="number">From 1.</param>
    public static string Consumer(int number) => string.Create(CultureInfo.InvariantCulture, $"{ConsumerPrefix}{number}");

    /// <param name="number">From 1; the broker's id.</param>
    public static string Broker(int number) => string.Create(CultureInfo.InvariantCulture, $"{BrokerPrefix}{number}");

    /// <param name="type">A name of <see cref="SensorCatalog.Types"/>.</param>
    public static string Sensor(string type) => type + SensorSuffix;

    public static bool IsConsumer(string name) => IsNumbered(name, ConsumerPrefix);

    public static bool IsBroker(string name) => IsNumbered(name, BrokerPrefix);

    public static bool IsSensor(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.EndsWith(SensorSuffix, StringComparison.Ordinal);
    }

    /// <summary>
    /// Prefix of a topic that names the log of a broker that loses its data on a restart: the rest of the name is the log_id.
    /// Without such a topic, the log_id is the topic's id.
    /// </summary>
    public const string LogIdTopicPrefix = "factory-log.";

    /// <summary>PostgreSQL NOTIFY channel; the payload is one of <see cref="ChangeKinds"/>.</summary>
    public const string ChangeChannel = "factory_changes";

    private static bool IsNumbered(string name, string prefix)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.StartsWith(prefix, StringComparison.Ordinal) && name.Length > prefix.Length && name.AsSpan(prefix.Length).IndexOfAnyExceptInRange('0', '9') < 0;
    }
}

/// <summary>Payloads of a notification on <see cref="ResourceNames.ChangeChannel"/>: what has changed.</summary>
public static class ChangeKinds
{
    public const string Commit = "commit";
    public const string Rebalance = "rebalance";
    public const string Alert = "alert";
    public const string Status = "status";
}

/// <summary>Environment variables read by every service, in addition to Aspire's.</summary>
public static class EnvironmentNames
{
    public const string DatabaseUrl = "DATABASE_URL";

    /// <summary>The process id of the AppHost that started the service, which stops when that process is gone.</summary>
    public const string AppHostProcess = "FACTORY_APPHOST_PID";

    /// <summary>The password of the user in the connection string.</summary>
    public const string DatabasePassword = "DATABASE_PASSWORD";

    /// <summary>The passwords that the provisioner sets for the services' roles.</summary>
    public const string DatabaseIngestPassword = "DATABASE_INGEST_PASSWORD";
    public const string DatabaseSensorPassword = "DATABASE_SENSOR_PASSWORD";
    public const string DatabaseMonitorPassword = "DATABASE_MONITOR_PASSWORD";
    public const string DatabaseAuditPassword = "DATABASE_AUDIT_PASSWORD";
    public const string KafkaBrokers = "KAFKA_BROKERS";
    public const string SensorTopic = "SENSOR_TOPIC";
    public const string AlertTopic = "ALERT_TOPIC";
    public const string ConsumerGroup = "CONSUMER_GROUP";
    public const string ConsumerId = "CONSUMER_ID";
    public const string ProducerId = "PRODUCER_ID";
    public const string SensorId = "SENSOR_ID";
    public const string SensorType = "SENSOR_TYPE";
    public const string SamplingInterval = "SAMPLING_INTERVAL";
    public const string FactorySection = "FACTORY_SECTION";
    public const string MachineId = "MACHINE_ID";
    public const string Zone = "ZONE";
    public const string MonitoringHost = "MONITORING_HOST";

    /// <summary>The name or address under which clients on other machines reach the AppHost's brokers.</summary>
    public const string KafkaAdvertisedHost = "KAFKA_ADVERTISED_HOST";
    public const string MonitoringPublishedOn = "MONITORING_PUBLISHED_ON";
    public const string AllowAnonymousView = "ALLOW_ANONYMOUS_VIEW";
    public const string MonitoringPort = "MONITORING_PORT";
    public const string MonitoringApiHost = "MONITORING_API_HOST";
    public const string MonitoringApiPort = "MONITORING_API_PORT";
}
