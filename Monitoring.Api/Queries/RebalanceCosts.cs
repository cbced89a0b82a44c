using System.Collections.Concurrent;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Monitoring.Api.Queries;

/// <summary>
/// Adds to rebalancing events how many readings they delayed. The number does not change once it is known: each is counted once for the whole process, and
/// few at a time, so that nothing waits long for them.
/// </summary>
internal sealed class RebalanceCosts(RebalanceQueries queries, KafkaNames kafka)
{
    private const int AtOnce = 100;
    private const int Kept = 20_000;

    private readonly ConcurrentDictionary<long, DelayedReadings> _known = new();

    /// <summary>Returns the events with the numbers that are known; without new ones while the database does not answer.</summary>
    public async Task<IReadOnlyList<RebalancingEventBody>> AddAsync(IReadOnlyList<RebalancingEventBody> events, CancellationToken cancellationToken)
    {
        // Events that have never been asked about come first: of the others something may be missing for long.
        long[] open = [.. events.Where(HasCost).Select(each => each.Id!.Value).Where(id => !_known.TryGetValue(id, out var known) || !known.IsFinal)
            .OrderBy(_known.ContainsKey).Take(AtOnce)];
        if (open.Length > 0)
        {
            try
            {
                foreach (var (id, delayed) in await queries.DelayedAsync(open, kafka.SensorTopic, cancellationToken)) _known[id] = delayed;
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
            {
                // They are asked for again with the next events.
            }
        }

        if (_known.Count > Kept) Forget();
        return [.. events.Select(With)];
    }

    private static bool HasCost(RebalancingEventBody each) => each is { StallMs: not null, Id: not null };

    private RebalancingEventBody With(RebalancingEventBody each) => !HasCost(each) ? each
        : _known.TryGetValue(each.Id!.Value, out var known) ? each with { DelayedReadings = known.Count, DelayedUnknown = known.Unknown }
        : each with { DelayedUnknown = DelayedUnknown.NotYet };

    // Ids rise: the smallest are the oldest events.
    private void Forget()
    {
        foreach (var id in _known.Keys.Order().Take(Kept / 2)) _known.TryRemove(id, out _);
    }
}
