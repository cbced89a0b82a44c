using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>The readings that waited for the owner whose assignment is an event.</summary>
/// <param name="Unknown">One of <see cref="DelayedUnknown"/>; null if they are counted.</param>
public sealed record DelayedReadings(long? Count, string? Unknown)
{
    /// <summary>Whether a later count is the same.</summary>
    public bool IsFinal => Unknown != DelayedUnknown.NotYet;
}

/// <summary>Reads the rebalancing events of a range, and what they cost in readings.</summary>
public sealed class RebalanceQueries(NpgsqlDataSource dataSource)
{
    private const int Most = 2_000;

    // From before the range, because a rebalance may have begun there.
    private static readonly string Events = $"""
        SELECT event_type, consumer_id, partition_number, "timestamp", id, generation, reason, stall_ms
        FROM rebalancing_events
        WHERE "timestamp" >= {StoredRange.Since(1)} - $4 AND "timestamp" <= {StoredRange.Until(1)}
        ORDER BY "timestamp" DESC, id DESC
        LIMIT {Most + 1}
        """;

    // Readings that an owner has stored were stored from its claim until that of its successor, by the fence. They are complete when the owner has passed the
    // end that the log had at the claim, or has a successor.
    private static readonly string Delayed = $"""
        WITH claims AS (
            SELECT e.id, o.log_key, o.kafka_partition, o.claimed_at, o.claimed_from, o.log_end, n.claimed_at AS next_claimed_at, CASE
                WHEN o.claimed_at < CURRENT_TIMESTAMP - (SELECT keep FROM retention) THEN '{DelayedUnknown.Expired}'
                WHEN o.log_end IS NULL OR o.claimed_from IS NULL OR o.log_end < o.claimed_from THEN '{DelayedUnknown.NotRecorded}'
                WHEN n.claimed_at IS NULL AND p.next_offset < o.log_end THEN '{DelayedUnknown.NotYet}' END AS unknown
            FROM rebalancing_events e
            LEFT JOIN partition_ownership o ON o.log_key = e.log_key AND o.topic = $2 AND o.kafka_partition = e.partition_number AND o.epoch = e.generation
            LEFT JOIN partition_ownership n ON n.log_key = o.log_key AND n.topic = o.topic AND n.kafka_partition = o.kafka_partition AND n.epoch = o.epoch + 1
            LEFT JOIN partition_offsets p ON p.log_key = o.log_key AND p.topic = o.topic AND p.kafka_partition = o.kafka_partition
            WHERE e.id = ANY ($1)
        )
        SELECT id, unknown, CASE WHEN unknown IS NULL THEN
            delayed_readings(log_key, kafka_partition, claimed_from, log_end, claimed_at, COALESCE(next_claimed_at, 'infinity')) END
        FROM claims
        """;

    /// <summary>Reads the events of a range, newest first, at most 2,000: whole rebalances, of which the oldest may have begun before the range.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<RebalancingEventBody>> ReadAsync(StoredRange range, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Events);
        range.AddTo(command.Parameters);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = NewestRebalances.LongestPause });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var events = await reader.RowsAsync(MonitoringQueries.Event, cancellationToken);
        return events.Count <= Most ? events : NewestRebalances.WithoutOldest(events);
    }

    /// <summary>
    /// Counts the readings that these assignments delayed: of each, two rows by their keys, and at most 10,000 spans of stored offsets by their index.
    /// </summary>
    /// <param name="ids">Ids of events of type assigned.</param>
    /// <param name="topic">The topic of the readings.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyDictionary<long, DelayedReadings>> DelayedAsync(IReadOnlyList<long> ids, string topic, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Delayed);
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. ids] });
        command.Parameters.Add(Parameters.Text(topic));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = await reader.RowsAsync(row => (Id: row.GetInt64(0), Unknown: row.Text(1), Count: row.Value<long>(2)), cancellationToken);
        return rows.ToDictionary(row => row.Id, row => new DelayedReadings(row.Count, row.Unknown ?? (row.Count is null ? DelayedUnknown.TooMany : null)));
    }
}
