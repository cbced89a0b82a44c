using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Web.Partitions;

/// <summary>The readings that stalls delayed, together.</summary>
/// <param name="Count">Null if the number of any stall is not known.</param>
/// <param name="Why">Why it is not known, in words; null if it is.</param>
public sealed record Delayed(long? Count, string? Why)
{
    /// <summary>What the stalls delayed, as a sentence.</summary>
    public string Sentence => Count switch
    {
        null => Why!,
        0 => "No reading waited in the log for a new owner.",
        { } count => $"{Display.Plural(count, "reading")} waited in the log for a new owner.",
    };

    /// <param name="events">In any order; those without a stall do not count.</param>
    /// <returns>Null if there was no stall.</returns>
    public static Delayed? Of(IEnumerable<RebalancingEventBody> events)
    {
        RebalancingEventBody[] stalls = [.. events.Where(each => each.StallMs is not null)];
        return stalls.Length == 0 ? null
            : stalls.FirstOrDefault(each => each.DelayedReadings is null) is { } unknown ? new(null, Words(unknown.DelayedUnknown))
            : new(stalls.Sum(each => each.DelayedReadings), null);
    }

    private static string Words(string? unknown) => unknown switch
    {
        DelayedUnknown.NotRecorded => "The delayed readings cannot be counted: where a log ended when its partition was claimed is not recorded.",
        DelayedUnknown.Expired => "The delayed readings cannot be counted: their rows are past the retention.",
        DelayedUnknown.TooMany => "The delayed readings are not counted: they were stored in more than 10,000 transactions.",
        _ => "The delayed readings are not counted yet: not all of them are stored.",
    };
}
