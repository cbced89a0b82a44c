using System.Diagnostics;
using System.Text.Json.Nodes;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>Deaths that every backing of Kafka must survive.</summary>
internal static class DeathScenarios
{
    /// <summary>Kills the consumer with kill -9: its partitions are owned and flowing again within the limit, and the events say what happened.</summary>
    public static async Task ConsumerIsKilledAsync(FactoryStack stack, string victim, TimeSpan limit)
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        await stack.CoordinatorsStayAsync();
        var before = await stack.OwnersAsync(CancellationToken.None);
        var orphans = before.Where(pair => pair.Value == victim).Select(pair => pair.Key).Order().ToArray();
        Assert.NotEmpty(orphans);
        var claims = await stack.ScalarAsync<long>("SELECT count(*) FROM partition_ownership");
        var watch = Stopwatch.StartNew();

        await stack.ControlAsync(victim, "kill");

        var list = string.Join(',', orphans);
        await Wait.ForAsync($"partitions {list} flowing again", limit, token => stack.ScalarAsync<long>(
            $"""
            SELECT count(*) FROM partition_offsets
            WHERE kafka_partition IN ({list}) AND owner <> '{victim}' AND recovered_at IS NOT NULL AND released_at IS NULL
            """, token), flowing => flowing == orphans.Length);
        Assert.True(watch.Elapsed < limit, $"{watch.Elapsed} of {limit}");
        Assert.True(await stack.ScalarAsync<long>("SELECT count(*) FROM partition_ownership") > claims);

        await Wait.ForAsync($"{victim} inactive", TimeSpan.FromSeconds(10), token => stack.JsonAsync("/api/consumer-health", token), body =>
        {
            var one = body.AsArray().Single(item => item!["consumer_id"]!.GetValue<string>() == victim)!;
            return one["status"]!.GetValue<string>() == "inactive" && one["assigned_partitions"]!.AsArray().Count == 0;
        });
        await Wait.ForAsync("a lost and an assigned event for each of its partitions", TimeSpan.FromSeconds(5),
            token => stack.JsonAsync("/api/rebalancing-events?limit=100", token), events => orphans.All(partition =>
                events.AsArray().Any(item => Is(item, "lost", victim, partition))
                && events.AsArray().Any(item => item!["event_type"]!.GetValue<string>() == "assigned"
                    && item["partition_number"]!.GetValue<int>() == partition && item["consumer_id"]!.GetValue<string>() != victim)));

        await stack.ControlAsync(victim, "start");
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        await stack.AccountIsExactAsync();
    }

    public static async Task BrokerIsKilledAsync(FactoryStack stack, string broker)
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));

        await stack.ControlAsync(broker, "kill");

        await Wait.ForAsync($"{broker} seen down", TimeSpan.FromSeconds(20), token => stack.JsonAsync("/api/cluster", token), body => !Up(body, broker));
        var stored = await stack.StoredAsync(CancellationToken.None);
        await Wait.ForAsync("readings flow without it", TimeSpan.FromSeconds(20), stack.StoredAsync, now => now > stored + 50);

        await stack.ControlAsync(broker, "start");
        await Wait.ForAsync($"{broker} seen up", TimeSpan.FromSeconds(60), token => stack.JsonAsync("/api/cluster", token), body => Up(body, broker));
        await stack.AccountIsExactAsync();
    }

    private static bool Up(JsonNode cluster, string broker) =>
        cluster["brokers"]!.AsArray().Single(item => item!["name"]!.GetValue<string>() == broker)!["up"]!.GetValue<bool>();

    private static bool Is(JsonNode? item, string type, string consumer, int partition) =>
        item!["event_type"]!.GetValue<string>() == type
        && item["consumer_id"]!.GetValue<string>() == consumer
        && item["partition_number"]!.GetValue<int>() == partition;
}
