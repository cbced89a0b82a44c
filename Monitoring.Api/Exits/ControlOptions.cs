namespace FactoryMonitoring.Monitoring.Api.Exits;

/// <summary>The control endpoint of the AppHost; absent where nobody runs one.</summary>
internal sealed class ControlOptions
{
    public const string Section = "Factory:Control";

    public Uri? Url { get; set; }

    public string? Token { get; set; }
}
