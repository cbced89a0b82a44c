using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.FaultLab.Control;

/// <summary>The control endpoint of the AppHost, which sets both where it starts this service.</summary>
internal sealed class ControlOptions
{
    public const string Section = "Factory:Control";

    [Required(ErrorMessage = "the address of the AppHost's control endpoint is required; the AppHost sets it where Factory:Faults is true")]
    public Uri? Url { get; set; }

    [Required(ErrorMessage = "the token of the AppHost's control endpoint is required; the AppHost sets it where Factory:Faults is true")]
    public string? Token { get; set; }

    /// <summary>Where what a run has broken is written down, in a directory that is there; nowhere where it is not set.</summary>
    public string? UndoFile { get; set; }
}

[OptionsValidator]
internal sealed partial class ControlOptionsValidator : IValidateOptions<ControlOptions>;
