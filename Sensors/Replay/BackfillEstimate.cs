using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>The progress of a backfill in rows, and the time left.</summary>
/// <param name="Stored">Readings that consumers have stored, including those from before this start.</param>
/// <param name="Waiting">Readings sent and not stored yet.</param>
/// <param name="Rows">The stored readings as rows of the file, assuming the same number of values in each row.</param>
/// <param name="RowsPerSecond">Over the last 10 s; null before the first.</param>
/// <param name="Left">The time left at that rate; null while nothing is being stored.</param>
internal sealed record BackfillEstimate(long Stored, long Waiting, long Rows, double? RowsPerSecond, TimeSpan? Left)
{
    public static BackfillEstimate Of(ReplayPlan plan, BackfillStanding standing, long storedBefore)
    {
        var perReading = plan.Readings > 0 ? (double)plan.Rows / plan.Readings : 0;
        var stored = standing.Stored + storedBefore;
        var left = Math.Max(0, plan.Readings - stored);
        return new(
            stored,
            standing.Waiting,
            (long)(stored * perReading),
            standing.PerSecond * perReading,
            standing.PerSecond is > 0 and var rate ? TimeSpan.FromSeconds(left / rate) : left == 0 ? TimeSpan.Zero : null);
    }
}
