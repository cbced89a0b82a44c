using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>The file to be replayed, read once for all callers.</summary>
/// <param name="plan">The plan, if the file has already been read.</param>
internal sealed class CheckedFile(ReplayPlan? plan = null)
{
    private readonly Lock _gate = new();
    private ReplayPlan? _plan = plan;

    /// <exception cref="ReplayFileException">The file or a setting is wrong.</exception>
    public ReplayPlan Plan(ReplayOptions options)
    {
        lock (_gate)
        {
            return _plan ??= ReplayPlan.Check(options, name => $"Sensors:Replay:{name}");
        }
    }
}
