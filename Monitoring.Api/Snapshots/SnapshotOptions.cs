using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>How often the snapshot is refreshed.</summary>
internal sealed class SnapshotOptions
{
    public const string Section = "Monitoring:Snapshot";

    /// <summary>Longest time between two refreshes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.200", "00:00:01.500", ErrorMessage = "must be between 00:00:00.200 and 00:00:01.500")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Shortest pause after a refresh, however much changes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:00.200", ErrorMessage = "must be between 00:00:00.010 and 00:00:00.200")]
    public TimeSpan MinimumInterval { get; set; } = TimeSpan.FromMilliseconds(150);
}

[OptionsValidator]
internal sealed partial class SnapshotOptionsValidator : IValidateOptions<SnapshotOptions>;
