using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>How much is told of what happens; section <c>Telemetry</c>.</summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>At most so many traces of requests and page views begin here in a second, evenly spread; 0 for none.</summary>
    [Range(0, 1_000_000)]
    public double TracesPerSecond { get; set; } = 100;

    /// <summary>
    /// At most so many traces of messages sent and batches processed begin here in a second, evenly spread; 0 for none. Readings that raise an
    /// alert, and what belongs to a trace that began elsewhere, are not counted and never left out.
    /// </summary>
    [Range(0, 1_000_000)]
    public double MessageTracesPerSecond { get; set; } = 0.2;
}

[OptionsValidator]
internal sealed partial class TelemetryOptionsValidator : IValidateOptions<TelemetryOptions>;
