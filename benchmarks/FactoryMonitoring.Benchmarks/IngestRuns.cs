using System.Diagnostics;
using FactoryMonitoring.Benchmarks.Servers;
using FactoryMonitoring.Contracts;
using Npgsql;

namespace FactoryMonitoring.Benchmarks;

/// <summary>The consumers, run as processes.</summary>
internal static class IngestRuns
{
    private const int WarmSeconds = 15;
    private const string DatabaseSize = "SELECT pg_database_size(current_database())";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <param name="PerSecond">Readings per second from the first claim to the last commit, by the database's clock.</param>
    /// <param name="CpuPerMillion">CPU seconds of the consumers per million readings, including their start.</param>
    /// <param name="LongestStandstill">The longest time between two commits, in seconds.</param>
    /// <param name="BrokersCpuPerMillion">The same for the brokers.</param>
    /// <param name="PostgresCpuPerMillion">The same for PostgreSQL.</param>
    /// <param name="BytesPerReading">Growth of the database per reading, in bytes.</param>
    public sealed record Drain(
        double PerSecond, double CpuPerMillion, double BrokersCpuPerMillion, double PostgresCpuPerMillion, double PeakMemoryMb, double LongestStandstill, double BytesPerReading);

    public static async Task<Drain> DrainAsync(
        Revision revision, string directory, Brokers brokers, Postgres postgres, string topic, int replicas, long count)
    {
        await revision.ProvisionAsync(directory, brokers, postgres, topic);
        var size = await postgres.ScalarAsync<long>(DatabaseSize);
        var (brokersCpu, postgresCpu) = (brokers.CpuSeconds(), postgres.CpuSeconds());
        var group = $"bench-{Guid.NewGuid():N}";
        var consumers = Enumerable.Range(1, replicas)
            .Select(n => Services.StartConsumer(revision.Repository, directory, $"bench-consumer-{n}", brokers, postgres, topic, group)).ToList();
        try
        {
            var standstill = await UntilStoredAsync(postgres, count, consumers);
            var seconds = await postgres.ScalarAsync<double>(
                "SELECT extract(epoch FROM (SELECT max(last_commit_at) FROM partition_offsets) - (SELECT min(claimed_at) FROM partition_ownership))::float8");
            var millions = count / 1e6;
            (brokersCpu, postgresCpu) = ((brokers.CpuSeconds() - brokersCpu) / millions, (postgres.CpuSeconds() - postgresCpu) / millions);
            var bytes = (double)(await postgres.ScalarAsync<long>(DatabaseSize) - size) / count;
            await CheckAsync(postgres, count);
            return new Drain(
                count / seconds,
                consumers.Sum(consumer => consumer.CpuSeconds()) / millions,
                brokersCpu,
                postgresCpu,
                consumers.Max(consumer => consumer.MemoryMb("VmHWM")),
                standstill,
                bytes);
        }
        finally
        {
            await Task.WhenAll(consumers.Select(consumer => consumer.StopAsync()));
            foreach (var consumer in consumers)
            {
                await consumer.DisposeAsync();
            }
        }
    }

    /// <summary>Returns percentiles of the time from production to the committed row, as the consumers count it.</summary>
    public static async Task<(double? P50, double? P95, double? P99, double MemoryMb)> LatencyAsync(
        string repository, string directory, Brokers brokers, Postgres postgres, string topic, int rate, int seconds)
    {
        const int Replicas = 3;
        await postgres.ResetAsync();
        var group = $"bench-{Guid.NewGuid():N}";
        var consumers = Enumerable.Range(1, Replicas)
            .Select(n => Services.StartConsumer(repository, directory, $"bench-consumer-{n}", brokers, postgres, topic, group)).ToList();
        try
        {
            using var load = new Load(rate);
            // One producer runs all the time, and its first seconds do not count: code is compiled, partitions are claimed, statements are prepared.
            var producing = Task.Run(() => load.Produce(brokers.Bootstrap, topic, (long)rate * (WarmSeconds + seconds + 1), rate));
            await UntilStoredAsync(postgres, (long)rate * WarmSeconds, consumers);
            var from = await postgres.ScalarAsync<DateTime>("SELECT clock_timestamp()");
            await UntilStoredAsync(postgres, await producing, consumers);
            var counts = await CountsAsync(postgres, from, from.AddSeconds(seconds));
            return (
                LatencyHistogram.Quantile(counts, 0.5),
                LatencyHistogram.Quantile(counts, 0.95),
                LatencyHistogram.Quantile(counts, 0.99),
                consumers.Max(consumer => consumer.MemoryMb("VmRSS")));
        }
        finally
        {
            await Task.WhenAll(consumers.Select(consumer => consumer.StopAsync()));
            foreach (var consumer in consumers)
            {
                await consumer.DisposeAsync();
            }
        }
    }

    private static async Task<long[]> CountsAsync(Postgres postgres, DateTime from, DateTime to)
    {
        var counts = new long[LatencyHistogram.BucketCount];
        await using var command = postgres.DataSource.CreateCommand("SELECT latency_histogram FROM consumer_samples WHERE at >= $1 AND at < $2");
        command.Parameters.Add(new NpgsqlParameter { Value = from });
        command.Parameters.Add(new NpgsqlParameter { Value = to });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var sample = reader.GetFieldValue<int[]>(0);
            for (var i = 0; i < sample.Length; i++)
            {
                counts[i] += sample[i];
            }
        }

        return counts;
    }

    /// <returns>The longest time, in seconds and to 0.1 s, in which nothing more was stored after the first reading.</returns>
    private static async Task<double> UntilStoredAsync(Postgres postgres, long count, List<ServerProcess> consumers)
    {
        var started = Stopwatch.GetTimestamp();
        var longest = TimeSpan.Zero;
        var (before, movedAt) = (0L, started);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (await postgres.ScalarAsync<long>("SELECT COALESCE(sum(stored + rejected), 0)::bigint FROM partition_offsets") is var stored && stored < count)
        {
            if (Stopwatch.GetElapsedTime(started) > Limit || consumers.Exists(consumer => consumer.HasExited))
            {
                throw new InvalidOperationException($"{stored} of {count} readings were stored, then it stopped; the consumers' logs say why");
            }

            if (stored > before)
            {
                longest = before > 0 && Stopwatch.GetElapsedTime(movedAt) > longest ? Stopwatch.GetElapsedTime(movedAt) : longest;
                (before, movedAt) = (stored, Stopwatch.GetTimestamp());
            }

            await timer.WaitForNextTickAsync();
        }

        return longest.TotalSeconds;
    }

    private static async Task CheckAsync(Postgres postgres, long count)
    {
        // A fast but wrong result would be worthless.
        var distinct = await postgres.ScalarAsync<long>("SELECT count(DISTINCT (kafka_partition, kafka_offset)) FROM readings");
        var rows = await postgres.ScalarAsync<long>("SELECT count(*) FROM readings");
        if (rows != count || distinct != count)
        {
            throw new InvalidOperationException($"{count} readings were produced, {rows} rows of {distinct} offsets are stored");
        }
    }
}
