using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Computes the history curves: of short ranges from the samples of each second, of others from those of each minute.</summary>
public sealed class HistoryQueries(NpgsqlDataSource dataSource)
{
    /// <summary>The longest range that is read from the samples of each second.</summary>
    private static readonly TimeSpan LongestOfSeconds = TimeSpan.FromMinutes(30);

    // Parameters: $1 interval, $2 to $4 range. The range is of whole intervals; of those of minutes, the present one is part of it, as far as its seconds are
    // written.
    private const string Since = "date_bin($1, COALESCE($2, CURRENT_TIMESTAMP - interval '1 s' - $4), 'epoch')";
    private const string Until = """
        LEAST(date_bin($1, COALESCE($3 + $1 - interval '1 us', CURRENT_TIMESTAMP + $1), 'epoch'), date_bin(LEAST($1, interval '5 s'), CURRENT_TIMESTAMP - interval '1 s', 'epoch'))
        """;
    private const string Window = $"at >= {Since} AND at < {Until}";

    // The minutes that are not summed up yet.
    private const string Tail = """
        at >= (SELECT GREATEST(max(at) + interval '1 min', CURRENT_TIMESTAMP - interval '30 min') FROM pipeline_minutes)
        """;

    private const string Bounds = $"SELECT {Since}, {Until}";

    private const string Minutes = $"""
        SELECT date_bin($1, at, 'epoch'), at, stored, latency_histogram, acknowledged, lag, lag_seconds FROM pipeline_minutes WHERE {Window} ORDER BY at
        """;

    private const string ConsumersIn = $"SELECT date_bin($1, at, 'epoch'), at, stored::bigint, latency_histogram FROM consumer_samples WHERE {Window}";

    private const string ProducersIn = $"SELECT date_bin($1, at, 'epoch') AS step, min(at), sum(acknowledged)::bigint FROM producer_samples WHERE {Window}";

    private const string LagIn = $"SELECT date_bin($1, at, 'epoch') AS step, min(at), max(lag), max(lag_seconds) FROM lag_samples WHERE {Window}";

    private const string RatesOfSeconds = $"""
        SELECT consumer_id, date_bin($1, at, 'epoch') AS step, min(at), sum(stored)::bigint FROM consumer_samples WHERE {Window} GROUP BY 1, 2 ORDER BY 1, 2
        """;

    private const string RatesOfMinutes = $"""
        SELECT consumer_id, date_bin($1, at, 'epoch') AS step, min(at), sum(stored)::bigint FROM (
            SELECT at, consumer_id, stored FROM consumer_minutes WHERE {Window}
            UNION ALL
            SELECT at, consumer_id, stored FROM consumer_samples WHERE {Window} AND {Tail}
        ) samples
        GROUP BY 1, 2 ORDER BY 1, 2
        """;

    private const string LagSamples = "SELECT at, lag, lag_seconds FROM lag_samples WHERE at > CURRENT_TIMESTAMP - interval '15 min' ORDER BY at";

    /// <summary>Returns the distance of two points: the curve of any range has a few hundred points at most.</summary>
    public static TimeSpan Interval(TimeSpan length) => TimeSpan.FromSeconds(length.TotalMinutes switch
    {
        <= 10 => 5,
        <= 30 => 15,
        <= 4 * 60 => 60,
        <= 24 * 60 => 300,
        <= 7 * 24 * 60 => 1_800,
        _ => 7_200,
    });

    /// <summary>Reads the lag samples of the last 15 minutes, oldest first.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<(DateTimeOffset At, long Lag, double? Seconds)>> LagAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(LagSamples);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.RowsAsync(row => (row.Timestamp(0), row.GetInt64(1), row.Value<double>(2)), cancellationToken);
    }

    /// <summary>Reads the curves, oldest first; intervals without samples are omitted.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<HistoryBody> ReadAsync(StoredRange range, CancellationToken cancellationToken)
    {
        var interval = Interval(range.Length);
        var isOfMinutes = range.Length > LongestOfSeconds;
        var rest = isOfMinutes ? $" AND {Tail}" : "";
        string[] statements =
        [
            Bounds, .. isOfMinutes ? [Minutes] : Array.Empty<string>(),
            $"{ConsumersIn}{rest} ORDER BY at", $"{ProducersIn}{rest} GROUP BY step ORDER BY step", $"{LagIn}{rest} GROUP BY step ORDER BY step",
        ];
        var steps = new SortedDictionary<DateTimeOffset, Sums>();
        var first = DateTimeOffset.MaxValue;
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = Batch(connection, interval, range, statements);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var bounds = await reader.RowsAsync(row => (From: row.Timestamp(0), To: row.Timestamp(1)), cancellationToken);
        if (isOfMinutes)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var step = Step();
                step.Store(reader.GetInt64(2), reader.GetFieldValue<int[]>(3));
                step.Acknowledged += reader.GetInt64(4);
                step.Wait(reader.Value<long>(5), reader.Value<double>(6));
            }

            await reader.NextResultAsync(cancellationToken);
        }

        while (await reader.ReadAsync(cancellationToken))
        {
            Step().Store(reader.GetInt64(2), reader.GetFieldValue<int[]>(3));
        }

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            Step().Acknowledged += reader.GetInt64(2);
        }

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            Step().Wait(reader.GetInt64(2), reader.Value<double>(3));
        }

        var to = bounds[0].To;
        var whole = new Sums();
        foreach (var step in steps.Values)
        {
            whole.Add(step);
        }

        return new(
            (int)interval.TotalSeconds,
            [.. steps.Select(pair => new HistoryPoint(
                pair.Key,
                pair.Value.Acknowledged / Seconds(pair.Key),
                pair.Value.Stored / Seconds(pair.Key),
                pair.Value.Quantile(0.5),
                pair.Value.Quantile(0.95),
                pair.Value.Quantile(0.99),
                pair.Value.Lag,
                pair.Value.LagSeconds))],
            bounds[0].From,
            to,
            steps.Count == 0 ? null : new(
                whole.Acknowledged / (to - first).TotalSeconds,
                whole.Stored / (to - first).TotalSeconds,
                whole.Quantile(0.5),
                whole.Quantile(0.95),
                whole.Quantile(0.99),
                whole.Lag,
                whole.LagSeconds));

        double Seconds(DateTimeOffset at) => SecondsOf(at, interval, first, to);

        // The interval of the present row.
        Sums Step()
        {
            var (at, measured) = (reader.Timestamp(0), reader.Timestamp(1));
            if (measured < first)
            {
                first = measured;
            }

            return steps.TryGetValue(at, out var step) ? step : steps[at] = new();
        }
    }

    /// <summary>Reads the readings that each consumer stored per second, oldest first; intervals without samples are omitted.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<ConsumerRatesBody> RatesAsync(StoredRange range, CancellationToken cancellationToken)
    {
        var interval = Interval(range.Length);
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = Batch(connection, interval, range, Bounds, range.Length > LongestOfSeconds ? RatesOfMinutes : RatesOfSeconds);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var bounds = await reader.RowsAsync(row => (From: row.Timestamp(0), To: row.Timestamp(1)), cancellationToken);
        var (from, to) = bounds[0];
        var rows = await reader.RowsAsync(row => (Consumer: row.GetString(0), At: row.Timestamp(1), Measured: row.Timestamp(2), Stored: row.GetInt64(3)), cancellationToken);
        return new(
            (int)interval.TotalSeconds,
            [.. rows.GroupBy(row => row.Consumer).Select(consumer => new ConsumerRates(
                consumer.Key, [.. consumer.Select(row => new ComponentRatePoint(row.At, row.Stored / SecondsOf(row.At, interval, consumer.First().Measured, to)))]))],
            from,
            to);
    }

    /// <summary>Returns the length of the interval that begins at a time, in seconds: it may be cut by the first measurement or by the end of the range.</summary>
    private static double SecondsOf(DateTimeOffset at, TimeSpan interval, DateTimeOffset first, DateTimeOffset end)
    {
        var (from, to) = (at > first ? at : first, at + interval < end ? at + interval : end);
        return (to - from).TotalSeconds;
    }

    private static NpgsqlBatch Batch(NpgsqlConnection connection, TimeSpan interval, StoredRange range, params string[] statements)
    {
        var batch = new NpgsqlBatch(connection);
        foreach (var sql in statements)
        {
            var command = new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = interval } } };
            range.AddTo(command.Parameters);
            batch.BatchCommands.Add(command);
        }

        return batch;
    }

    private sealed class Sums
    {
        private readonly long[] _counts = new long[LatencyHistogram.BucketCount];

        public long Acknowledged { get; set; }

        public long Stored { get; private set; }

        public long? Lag { get; private set; }

        public double? LagSeconds { get; private set; }

        public void Store(long stored, int[] counts)
        {
            Stored += stored;
            for (var i = 0; i < Math.Min(counts.Length, _counts.Length); i++)
            {
                _counts[i] += counts[i];
            }
        }

        public void Wait(long? lag, double? seconds)
        {
            Lag = Max(Lag, lag);
            LagSeconds = Max(LagSeconds, seconds);
        }

        public void Add(Sums other)
        {
            Acknowledged += other.Acknowledged;
            Stored += other.Stored;
            Wait(other.Lag, other.LagSeconds);
            for (var i = 0; i < _counts.Length; i++)
            {
                _counts[i] += other._counts[i];
            }
        }

        public double? Quantile(double share) => LatencyHistogram.Quantile(_counts, share);

        private static T? Max<T>(T? one, T? other)
            where T : struct, IComparable<T> => one is { } known && !(other?.CompareTo(known) > 0) ? known : other;
    }
}
