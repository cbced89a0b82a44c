using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.FaultLab.Control;

/// <summary>The control endpoint of the AppHost. The AppHost sets its address and token when it starts this service.</summary>
internal sealed class ControlOptions
{
    public const string Section = "Factory:Control";

    [Required(ErrorMessage = "the address of the AppHost's control endpoint is required; the AppHost sets it where Factory:Faults is true")]
    public Uri? Url { get; set; }

    [Required(ErrorMessage = "the token of the AppHost's control endpoint is required; the AppHost sets it where Factory:Faults is true")]
    public string? Token { get; set; }

    /// <summary>The file that records what a run has broken, in an existing directory; no file is written if it is not set.</summary>
    public string? UndoFile { get; set; }
}

[OptionsValidator]
internal sealed partial class ControlOptionsValidator : IValidateOptions<ControlOptions>;
