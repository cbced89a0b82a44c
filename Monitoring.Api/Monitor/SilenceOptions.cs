using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Monitoring.Api.Monitor;

/// <summary>Section <c>Detection</c>, whose other settings the consumers read.</summary>
internal sealed class SilenceOptions
{
    public const string Section = "Detection";

    /// <summary>A sensor raises an alert if no reading has arrived for this time and for five of its own intervals; no sensor does if this is null.</summary>
    [Range(typeof(TimeSpan), "00:00:05", "30.00:00:00", ErrorMessage = "must be between 00:00:05 and 30.00:00:00")]
    public TimeSpan? SilenceAlertAfter { get; set; }
}

[OptionsValidator]
internal sealed partial class SilenceOptionsValidator : IValidateOptions<SilenceOptions>;
