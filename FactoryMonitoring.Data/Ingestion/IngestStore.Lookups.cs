using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

public sealed partial class IngestStore
{
    /// <summary>Ranges that are looked up near their highest offset at once: they share a few windows.</summary>
    private const int MaxLookups = 2_000;

    /// <summary>Ranges that are searched for at the same time.</summary>
    private const int MaxSearches = 100;

    /// <summary>Batches whose times one step of a search reads.</summary>
    private const int MaxBatches = 50;

    /// <summary>The share of the lane's time that the steps may take. In a sparse partition each batch lies among the readings of the others, and there are many.</summary>
    private const double SearchShare = 0.1;

    /// <summary>Ranges that are remembered not to be where they nearly always are. They are looked up again if they are forgotten.</summary>
    private const int MaxElsewhere = 100_000;

    private readonly LookupPace _lookups = new(MaxLookups);
    private readonly LookupPace _steps = new(MaxBatches);
    private readonly TimeShare _searchTime = new(SearchShare, TimeSpan.FromMilliseconds(200), TimeProvider.System);
    private readonly SortedDictionary<long, RangeSearch> _searches = [];
    private readonly HashSet<long> _elsewhere = [];
    private long _lookedUpTo;
    private long _searchedTo;

    private const string LookupPatience = "SET LOCAL statement_timeout = '1s'";

    private const string Unseen = """
        WITH unseen AS MATERIALIZED (
            SELECT * FROM unnest($2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[])
                u(n, kafka_partition, low, high, first_count, last_count, sensor_id, sequence_id)
        )
        """;

    // The windows are scanned once each, using only the index on the readings' time: they hold the readings of all partitions.
    private const string SeenInWindows = $"""
        SELECT u.n, r.reading_count, r.kafka_offset, false
        FROM windows w CROSS JOIN LATERAL (
            SELECT r.sensor_key, r.kafka_partition, r.kafka_offset, r.reading_count FROM readings r
            WHERE r.processing_timestamp BETWEEN lower(w.span) AND upper(w.span) AND r.log_key = $1 OFFSET 0
        ) r
        JOIN sensor_descriptions d USING (sensor_key)
        JOIN unseen u ON u.sensor_id = d.sensor_id AND u.sequence_id IS NOT DISTINCT FROM d.sequence_id AND u.kafka_partition = r.kafka_partition
            AND r.kafka_offset BETWEEN u.low AND u.high AND r.reading_count BETWEEN u.first_count AND u.last_count
        UNION
        SELECT u.n, m.reading_count, m.kafka_offset, true FROM unseen u
        JOIN rejected_messages m ON m.log_key = $1 AND m.kafka_partition = u.kafka_partition AND m.kafka_offset BETWEEN u.low AND u.high
            AND m.reading_count BETWEEN u.first_count AND u.last_count AND m.sensor_id = u.sensor_id AND m.sequence_id IS NOT DISTINCT FROM u.sequence_id
        ORDER BY 4
        """;

    // The acknowledgements of a second are of readings that were stored within a few seconds. A range's highest offset may have been rejected: its batch is near.
    private const string SelectSeenRecently = $"""
        {Unseen}, windows AS MATERIALIZED (
            SELECT unnest(range_agg(tstzrange(t.last_time - interval '3 s', t.last_time, '[]'))) AS span
            FROM (SELECT DISTINCT kafka_partition, high FROM unseen) u, reading_times($1, u.kafka_partition, u.high - 1000, u.high) t
            WHERE t.last_time IS NOT NULL
        )
        {SeenInWindows}
        """;

    private const string SelectBatches = """
        SELECT processing_timestamp, first_offset FROM reading_batches
        WHERE span && offset_span($1, $2, $3, $4)
        ORDER BY first_offset DESC LIMIT $5
        """;

    // By the times of the partition's own batches: the offsets of a slow partition take hours, which hold many readings of the others. Batches close to each other
    // are one window, because a lookup of each costs more.
    private const string SelectSeen = $"""
        {Unseen}, windows AS MATERIALIZED (
            SELECT unnest(range_agg(tstzrange(at - interval '100 ms', at, '[]'))) AS span FROM unnest($10::timestamptz[]) at
        )
        {SeenInWindows}
        """;

    /// <summary>Looks for readings that are not known in memory where they nearly always are. Those of the other ranges are searched for, as far as there is room.</summary>
    private async Task LookUpAsync(LogTopic log, IReadOnlyList<PartitionMove> moves, IReadOnlyList<UnseenRange> unseen, CancellationToken cancellationToken)
    {
        var ranges = unseen.ToLookup(part => part.Range);
        Search(log, moves, ranges);
        if (!_lookups.IsTime)
        {
            return;
        }

        var near = ranges.Where(range => !_elsewhere.Contains(range.Key.Id) && !_searches.ContainsKey(range.Key.Id)).OrderBy(range => range.Key.Id).ToList();
        List<IGrouping<AcknowledgedRange, UnseenRange>> turn =
            [.. near.Where(range => range.Key.Id > _lookedUpTo).Concat(near.Where(range => range.Key.Id <= _lookedUpTo)).Take(_lookups.Most)];
        if (turn.Count == 0)
        {
            return;
        }

        _lookedUpTo = turn[^1].Key.Id;
        List<RangeSearch> lookups = [.. turn.Select(range => new RangeSearch(log.LogKey, 0, [.. range]))];
        await FindAsync(_lookups, log, moves, (connection, token) => ReadSeenAsync(connection, SelectSeenRecently, log, lookups, null, null, token), cancellationToken);
        var found = lookups.Where(lookup => lookup.IsFound).ToList();
        await RecordAsync(log, moves, [.. found.Select(lookup => lookup.Range)], [.. found.SelectMany(lookup => lookup.Lookups())], cancellationToken);
        if (_elsewhere.Count > MaxElsewhere)
        {
            _elsewhere.Clear();
        }

        _elsewhere.UnionWith(lookups.Except(found).Select(lookup => lookup.Range.Id));
        Search(log, moves, ranges);
    }

    private void Search(LogTopic log, IReadOnlyList<PartitionMove> moves, ILookup<AcknowledgedRange, UnseenRange> ranges)
    {
        foreach (var range in ranges.Where(range => _elsewhere.Contains(range.Key.Id) && !_searches.ContainsKey(range.Key.Id)).Take(MaxSearches - _searches.Count))
        {
            var epoch = moves.First(move => move.Partition == range.Key.Partition).Epoch;
            _searches.Add(range.Key.Id, new RangeSearch(log.LogKey, epoch, [.. range]));
        }
    }

    private void DropForeignSearches(LogTopic log, IReadOnlyList<PartitionMove> moves)
    {
        foreach (var id in _searches.Where(search => !search.Value.IsOf(log.LogKey, moves)).Select(search => search.Key).ToList())
        {
            _searches.Remove(id);
            _elsewhere.Remove(id);
        }
    }

    /// <summary>Goes on with the searches in small steps, newest offsets first, as long as their share of the time allows, and records those that are over.</summary>
    private async Task SearchAsync(LogTopic log, IReadOnlyList<PartitionMove> moves, Action<long> countMissing, CancellationToken cancellationToken)
    {
        while (true)
        {
            var over = _searches.Values.Where(search => search.IsOver).ToList();
            countMissing(await RecordAsync(log, moves, [.. over.Select(search => search.Range)], [.. over.SelectMany(search => search.Lookups())], cancellationToken));
            foreach (var search in over)
            {
                _searches.Remove(search.Range.Id);
                _elsewhere.Remove(search.Range.Id);
            }

            if (_searches.Count == 0 || !_steps.IsTime || !_searchTime.HasTime)
            {
                return;
            }

            // One after the other: a search whose step fails keeps none of the others waiting.
            var leader = _searches.Values.FirstOrDefault(search => search.Range.Id > _searchedTo) ?? _searches.Values.First();
            _searchedTo = leader.Range.Id;
            var started = TimeProvider.System.GetTimestamp();
            try
            {
                await FindAsync(_steps, log, moves, (connection, token) => StepAsync(connection, log, leader, token), cancellationToken);
            }
            finally
            {
                _searchTime.Spend(started);
            }
        }
    }

    /// <summary>Takes the next step of a search, and of all others that stand at the same offsets.</summary>
    private async Task StepAsync(NpgsqlConnection connection, LogTopic log, RangeSearch leader, CancellationToken cancellationToken)
    {
        var low = Math.Max(leader.End, leader.Below - leader.Stride);
        var times = new List<DateTime>();
        await using (var select = new NpgsqlCommand(SelectBatches, connection))
        {
            select.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
            select.Parameters.Add(new NpgsqlParameter<int> { TypedValue = leader.Range.Partition });
            select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = low });
            select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = leader.Below });
            select.Parameters.Add(new NpgsqlParameter<int> { TypedValue = _steps.Most });
            await using var reader = await select.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                times.Add(reader.GetDateTime(0));
                low = times.Count == _steps.Most ? reader.GetInt64(1) : low;
            }
        }

        List<RangeSearch> searches =
            [.. _searches.Values.Where(search => search.Range.Partition == leader.Range.Partition && search.Below <= leader.Below && search.Below > low)];
        await ReadSeenAsync(connection, SelectSeen, log, searches, low, times, cancellationToken);
        var isWhole = times.Count < _steps.Most;
        searches.ForEach(search => search.Searched(low, isWhole));
    }

    /// <exception cref="PostgresException">It takes more than a second.</exception>
    private async Task FindAsync(
        LookupPace pace, LogTopic log, IReadOnlyList<PartitionMove> moves, Func<NpgsqlConnection, CancellationToken, Task> find, CancellationToken cancellationToken)
    {
        try
        {
            await InTransactionAsync(log, Epochs(moves), async (connection, token) =>
            {
                await using var patience = new NpgsqlCommand(LookupPatience, connection);
                await patience.ExecuteNonQueryAsync(token);
                await find(connection, token);
                return (true, true);
            }, cancellationToken);
            pace.Succeeded();
        }
        catch
        {
            pace.Failed();
            throw;
        }
    }

    /// <param name="low">The lowest offset; null to look as far back as each search does at first.</param>
    /// <param name="times">The parameter that <see cref="SelectSeen"/> has in addition.</param>
    private static async Task ReadSeenAsync(
        NpgsqlConnection connection,
        string sql,
        LogTopic log,
        IReadOnlyList<RangeSearch> searches,
        long? low,
        IReadOnlyList<DateTime>? times,
        CancellationToken cancellationToken)
    {
        var parts = searches.SelectMany(search => search.Parts.Select((part, n) => (Search: search, Part: part, Number: n))).ToList();
        await using var select = new NpgsqlCommand(sql, connection);
        select.Parameters.Add(new NpgsqlParameter<short> { TypedValue = log.LogKey });
        select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. Enumerable.Range(0, parts.Count)] });
        select.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. parts.Select(one => one.Part.Range.Partition)] });
        select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. parts.Select(one => low ?? one.Search.End)] });
        select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. parts.Select(one => one.Search.Below - 1)] });
        select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. parts.Select(one => one.Part.FirstCount)] });
        select.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. parts.Select(one => one.Part.LastCount)] });
        select.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. parts.Select(one => one.Part.Range.SensorId)] });
        select.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = [.. parts.Select(one => one.Part.Range.SequenceId)] });
        if (times is not null)
        {
            select.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. times] });
        }

        await using var reader = await select.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var (search, _, part) = parts[reader.GetInt32(0)];
            search.Found(part, reader.GetInt64(1), reader.GetInt64(2), reader.GetBoolean(3));
        }
    }
}
