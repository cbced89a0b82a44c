using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>Limits of the telemetry; section <c>Telemetry</c>.</summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>Maximum number of traces of requests and page views that begin here per second, evenly spread; 0 for none.</summary>
    [Range(0, 1_000_000)]
    public double TracesPerSecond { get; set; } = 100;

    /// <summary>
    /// Maximum number of traces of sent messages and processed batches that begin here per second, evenly spread; 0 for none. Readings that raise an
    /// alert, and spans of a trace that began elsewhere, are not counted and never left out.
    /// </summary>
    [Range(0, 1_000_000)]
    public double MessageTracesPerSecond { get; set; } = 0.2;
}

[OptionsValidator]
internal sealed partial class TelemetryOptionsValidator : IValidateOptions<TelemetryOptions>;
