using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>How much is told of what happens; section <c>Telemetry</c>.</summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>
    /// So many traces begin here in a second at most, evenly spread; 0 for none. Traces of readings that may raise an alert, and what belongs
    /// to a trace that has begun elsewhere, are not counted and never left out.
    /// </summary>
    [Range(0, 1_000_000)]
    public double TracesPerSecond { get; set; } = 100;
}

[OptionsValidator]
internal sealed partial class TelemetryOptionsValidator : IValidateOptions<TelemetryOptions>;
