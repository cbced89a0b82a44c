using System.ComponentModel.DataAnnotations;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Provisioner;

/// <summary>What must exist before anything else starts; section <c>Factory</c>.</summary>
internal sealed class ProvisionerOptions
{
    public const string Section = "Factory";

    /// <summary>Partitions of the sensor topic.</summary>
    [Range(1, 1000)]
    public int Partitions { get; set; } = KafkaNames.SensorPartitions;

    /// <summary>How long the provisioner waits for brokers and database to answer.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ProvisioningLimit { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long readings, samples and events are kept, in whole days; null keeps the value in the database, which is initially 7 days.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00")]
    public TimeSpan? Retention { get; set; }

    /// <summary>SENSOR_TOPIC.</summary>
    [Required, RegularExpression("[a-zA-Z0-9._-]{1,245}")]
    public string SensorTopic { get; set; } = KafkaNames.Default.SensorTopic;

    /// <summary>ALERT_TOPIC.</summary>
    [Required, RegularExpression("[a-zA-Z0-9._-]{1,249}")]
    public string AlertTopic { get; set; } = KafkaNames.Default.AlertTopic;

    /// <summary>
    /// DATABASE_INGEST_PASSWORD, DATABASE_SENSOR_PASSWORD, DATABASE_MONITOR_PASSWORD, DATABASE_AUDIT_PASSWORD; null leaves the roles unchanged.
    /// </summary>
    public RolePasswords? RolePasswords { get; set; }
}

[OptionsValidator]
internal sealed partial class ProvisionerOptionsValidator : IValidateOptions<ProvisionerOptions>;
