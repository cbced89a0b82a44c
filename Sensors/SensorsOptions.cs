using System.ComponentModel.DataAnnotations;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Replay;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors;

/// <summary>The sensors of this process: section <c>Sensors</c>, and the environment variable that each member names.</summary>
internal sealed class SensorsOptions
{
    public const string Section = "Sensors";

    private const string TypesAllowed = "SENSOR_TYPE must be one of temperature, vibration, energy, humidity, pressure";

    /// <summary>SENSOR_TYPE; a replay may set <see cref="ReplayOptions.SensorType"/> instead.</summary>
    [AllowedValues("temperature", "vibration", "energy", "humidity", "pressure", ErrorMessage = TypesAllowed)]
    public string? SensorType { get; set; }

    /// <summary>PRODUCER_ID, or OTEL_SERVICE_NAME, or the type's name with "-sensor".</summary>
    [Required, StringLength(255, MinimumLength = 1)]
    public string ProducerId { get; set; } = "";

    /// <summary>SENSOR_ID: this one sensor instead of <see cref="PerType"/> simulated ones.</summary>
    [StringLength(255, MinimumLength = 1)]
    public string? SensorId { get; set; }

    /// <summary>The number of sensors that this process simulates.</summary>
    [Range(1, 100_000)]
    public int PerType { get; set; } = 24;

    /// <summary>SAMPLING_INTERVAL (a number of seconds): time between two readings of a sensor; the type's interval if not set.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "1.00:00:00")]
    public TimeSpan? SamplingInterval { get; set; }

    /// <summary>Readings are sent this many times as fast.</summary>
    [Range(0.01, 10_000)]
    public double BurstFactor { get; set; } = 1;

    /// <summary>Makes the simulated values identical in each run.</summary>
    public int? Seed { get; set; }

    /// <summary>For example TEMPERATURE_WARNING_THRESHOLD, in the type's unit; the type's threshold if not set.</summary>
    public double? WarningThreshold { get; set; }

    /// <summary>For example TEMPERATURE_CRITICAL_THRESHOLD, in the type's unit; the type's threshold if not set.</summary>
    public double? CriticalThreshold { get; set; }

    /// <summary>FACTORY_SECTION.</summary>
    [StringLength(255)]
    public string FactorySection { get; set; } = "production";

    /// <summary>MACHINE_ID of all sensors here; if not set, each sensor is at a separate machine.</summary>
    [StringLength(255)]
    public string? MachineId { get; set; }

    /// <summary>ZONE of all sensors here; if not set, six machines share one.</summary>
    [StringLength(255)]
    public string? Zone { get; set; }

    /// <summary>SENSOR_TOPIC.</summary>
    [Required, RegularExpression("[a-zA-Z0-9._-]{1,249}")]
    public string Topic { get; set; } = KafkaNames.Default.SensorTopic;

    /// <summary>A recorded series instead of simulated sensors.</summary>
    [ValidateObjectMembers]
    public ReplayOptions Replay { get; set; } = new();

    /// <summary>The type of the sensors here.</summary>
    public SensorTypeInfo Type => SensorCatalog.Types[SensorType!];

    public Thresholds Thresholds => new(WarningThreshold ?? Type.Warning, CriticalThreshold ?? Type.Critical);
}

[OptionsValidator]
internal sealed partial class SensorsOptionsValidator : IValidateOptions<SensorsOptions>;
