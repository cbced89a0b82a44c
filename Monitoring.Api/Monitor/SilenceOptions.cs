using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Monitoring.Api.Monitor;

/// <summary>Section <c>Detection</c>, of which the consumers read the rest.</summary>
internal sealed class SilenceOptions
{
    public const string Section = "Detection";

    /// <summary>A sensor of which nothing has arrived for so long, and for five of its own intervals, raises an alert; none does where it is null.</summary>
    [Range(typeof(TimeSpan), "00:00:05", "30.00:00:00", ErrorMessage = "must be between 00:00:05 and 30.00:00:00")]
    public TimeSpan? SilenceAlertAfter { get; set; }
}

[OptionsValidator]
internal sealed partial class SilenceOptionsValidator : IValidateOptions<SilenceOptions>;
