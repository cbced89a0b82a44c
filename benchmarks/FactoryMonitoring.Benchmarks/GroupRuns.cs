using System.Diagnostics;
using FactoryMonitoring.Benchmarks.Servers;
using Npgsql;

namespace FactoryMonitoring.Benchmarks;

/// <summary>What a large group costs when a consumer joins, dies, or all are replaced one after the other.</summary>
internal static class GroupRuns
{
    private const int Members = 10;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>How long nothing must change before a group counts as quiet.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    // From the revocation, or from the fault if nobody revoked, until the next owner has committed or is at the end of the log.
    private const string Stalls = """
        SELECT count(*)::int, COALESCE(sum(stall), 0)::float8, COALESCE(max(stall), 0)::float8 FROM (
            SELECT extract(epoch FROM p.recovered_at - CASE WHEN before.ended_by = 'revoked' THEN GREATEST(before.ended_at, $1) ELSE $1 END) AS stall
            FROM partition_ownership p
            JOIN partition_ownership before ON (before.log_key, before.topic, before.kafka_partition, before.epoch) = (p.log_key, p.topic, p.kafka_partition, p.epoch - 1)
            WHERE p.claimed_at >= $1 AND p.recovered_at IS NOT NULL
        ) moved
        """;

    private const string StallsQuery = """
        SELECT count(*) FILTER (WHERE released_at IS NULL AND recovered_at IS NOT NULL)::int, count(DISTINCT owner) FILTER (WHERE released_at IS NULL)::int, COALESCE(sum(epoch), 0)::bigint
        FROM partition_offsets
        """;

    /// <param name="Moves">Moves of partitions to another owner, or to the same owner again.</param>
    /// <param name="TotalSeconds">Seconds in which a partition stood still, summed over all moves.</param>
    /// <param name="LongestSeconds">The longest standstill of one partition, in seconds.</param>
    public sealed record Stall(string Event, int Moves, double TotalSeconds, double LongestSeconds);

    public static async Task<IReadOnlyList<Stall>> RunAsync(
        string repository, string directory, Brokers brokers, Postgres postgres, string topic, int partitions, string protocol)
    {
        await postgres.ResetAsync();
        var group = $"bench-{Guid.NewGuid():N}";
        ServerProcess Start(int number) =>
            Services.StartConsumer(repository, directory, $"bench-consumer-{number}", brokers, postgres, topic, group, new() { ["Consumers__GroupProtocol"] = protocol });
        var consumers = Enumerable.Range(1, Members - 1).Select(Start).ToList();
        try
        {
            await UntilQuietAsync(Members - 1);
            var stalls = new List<Stall>
            {
                await MeasureAsync("join", () =>
                {
                    consumers.Add(Start(Members));
                    return Task.CompletedTask;
                }, Members),
                await MeasureAsync("kill", async () => await consumers[0].DisposeAsync(), Members - 1),
            };
            consumers[0] = Start(1);
            await UntilQuietAsync(Members);
            var steps = new List<Stall>();
            for (var i = 0; i < Members; i++)
            {
                var replaced = i;
                steps.Add(await MeasureAsync("replacement", async () =>
                {
                    await consumers[replaced].StopAsync();
                    await consumers[replaced].DisposeAsync();
                    consumers[replaced] = Start(replaced + 1);
                }, Members));
            }

            stalls.Add(new Stall("replacement of all", steps.Sum(step => step.Moves), steps.Sum(step => step.TotalSeconds), steps.Max(step => step.LongestSeconds)));
            return stalls;
        }
        finally
        {
            await Task.WhenAll(consumers.Select(consumer => consumer.StopAsync()));
            foreach (var consumer in consumers)
            {
                await consumer.DisposeAsync();
            }
        }

        async Task<Stall> MeasureAsync(string name, Func<Task> act, int members)
        {
            var since = await postgres.ScalarAsync<DateTime>("SELECT clock_timestamp()");
            await act();
            await UntilQuietAsync(members);
            await using var command = postgres.DataSource.CreateCommand(Stalls);
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = since });
            await using var reader = await command.ExecuteReaderAsync();
            await reader.ReadAsync();
            return new Stall(name, reader.GetInt32(0), reader.GetDouble(1), reader.GetDouble(2));
        }

        async Task UntilQuietAsync(int members)
        {
            var started = Stopwatch.GetTimestamp();
            var (changes, since) = (-1L, started);
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            while (true)
            {
                await using var command = postgres.DataSource.CreateCommand(StallsQuery);
                await using var reader = await command.ExecuteReaderAsync();
                await reader.ReadAsync();
                var (working, owners, epochs) = (reader.GetInt32(0), reader.GetInt32(1), reader.GetInt64(2));
                if (working != partitions || owners != members || epochs != changes)
                {
                    (changes, since) = (epochs, Stopwatch.GetTimestamp());
                }
                else if (Stopwatch.GetElapsedTime(since) >= Quiet)
                {
                    return;
                }

                if (Stopwatch.GetElapsedTime(started) > Limit)
                {
                    throw new InvalidOperationException($"{protocol}: {working} of {partitions} partitions have a working owner, of {owners} consumers; wanted are {members}");
                }

                await timer.WaitForNextTickAsync();
            }
        }
    }
}
