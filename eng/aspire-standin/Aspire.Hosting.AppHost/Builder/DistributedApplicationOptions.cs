namespace Aspire.Hosting;

public sealed class DistributedApplicationOptions
{
    /// <summary>No dashboard is started, though one is installed.</summary>
    public bool DisableDashboard { get; set; }
}
