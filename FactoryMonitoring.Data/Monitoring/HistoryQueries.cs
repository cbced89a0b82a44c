using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Computes the history curves from the samples of each second.</summary>
public sealed class HistoryQueries(NpgsqlDataSource dataSource)
{
    // Only whole intervals: the last one ends before the second that may not be written yet.
    private const string Window = """
        at >= date_bin($1, CURRENT_TIMESTAMP - interval '1 s', 'epoch') - $2 AND at < date_bin($1, CURRENT_TIMESTAMP - interval '1 s', 'epoch')
        """;

    private const string Consumers = $"SELECT date_bin($1, at, 'epoch'), stored, latency_histogram FROM consumer_samples WHERE {Window} ORDER BY at";

    private const string Producers =
        $"SELECT date_bin($1, at, 'epoch') AS step, sum(acknowledged)::bigint FROM producer_samples WHERE {Window} GROUP BY step ORDER BY step";

    private const string Lag =
        $"SELECT date_bin($1, at, 'epoch') AS step, max(lag), max(lag_seconds) FROM lag_samples WHERE {Window} GROUP BY step ORDER BY step";

    private const string LagSamples = "SELECT at, lag, lag_seconds FROM lag_samples WHERE at > CURRENT_TIMESTAMP - interval '15 min' ORDER BY at";

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
    public async Task<HistoryBody> ReadAsync(TimeSpan window, TimeSpan interval, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        foreach (var sql in (string[])[Consumers, Producers, Lag])
        {
            batch.BatchCommands.Add(new(sql)
            {
                Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = interval }, new NpgsqlParameter<TimeSpan> { TypedValue = window } },
            });
        }

        var steps = new SortedDictionary<DateTimeOffset, Step>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var step = At(reader.Timestamp(0));
            step.Stored += reader.GetInt32(1);
            var counts = reader.GetFieldValue<int[]>(2);
            for (var i = 0; i < Math.Min(counts.Length, step.Counts.Length); i++)
            {
                step.Counts[i] += counts[i];
            }
        }

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            At(reader.Timestamp(0)).Acknowledged = reader.GetInt64(1);
        }

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var step = At(reader.Timestamp(0));
            step.Lag = reader.GetInt64(1);
            step.LagSeconds = reader.Value<double>(2);
        }

        return new((int)interval.TotalSeconds, [.. steps.Select(pair => new HistoryPoint(
            pair.Key,
            pair.Value.Acknowledged / interval.TotalSeconds,
            pair.Value.Stored / interval.TotalSeconds,
            LatencyHistogram.Quantile(pair.Value.Counts, 0.5),
            LatencyHistogram.Quantile(pair.Value.Counts, 0.95),
            LatencyHistogram.Quantile(pair.Value.Counts, 0.99),
            pair.Value.Lag,
            pair.Value.LagSeconds))]);

        Step At(DateTimeOffset at) => steps.TryGetValue(at, out var step) ? step : steps[at] = new();
    }

    private sealed class Step
    {
        public long Acknowledged { get; set; }

        public long Stored { get; set; }

        public long[] Counts { get; } = new long[LatencyHistogram.BucketCount];

        public long? Lag { get; set; }

        public double? LagSeconds { get; set; }
    }
}
