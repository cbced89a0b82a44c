using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>The faults and the load of the control endpoint, on real brokers; the account must be exact after each.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class FaultTests(ProcessesStack stack)
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_paused_consumer_is_replaced_and_one_of_three_again_when_it_goes_on()
    {
        const string Victim = "sensor-consumer-2";
        await stack.IsWholeAsync(Usual);
        var orphans = await OwnedByAsync(Victim);

        await stack.ControlAsync(Victim, "pause");
        Assert.True((await stack.ResourceAsync(Victim))["paused"]!.GetValue<bool>());
        await FlowAtOthersAsync(orphans, Victim);

        await stack.ControlAsync(Victim, "resume");
        await stack.IsWholeAsync(Usual);
        Assert.False((await stack.ResourceAsync(Victim))["paused"]!.GetValue<bool>());
        await stack.AccountIsExactAsync();
    }

    [Fact]
    public async Task Three_consumers_become_five_and_three_again()
    {
        await stack.IsWholeAsync(Usual);

        await stack.SendAsync(new ScaleCommand(5));
        try
        {
            await Wait.ForAsync("five consumers own all partitions", Usual, stack.OwnersAsync, owners => owners.Count == 6 && owners.Values.Distinct().Count() == 5);
        }
        finally
        {
            await stack.SendAsync(new ScaleCommand(3));
        }

        await stack.IsWholeAsync(Usual);
        Assert.Equal(
            ["sensor-consumer-1", "sensor-consumer-2", "sensor-consumer-3"],
            (await stack.OwnersAsync(CancellationToken.None)).Values.Distinct().Order(StringComparer.Ordinal));
        await stack.AccountIsExactAsync();
    }

    [Fact]
    public async Task Under_a_load_every_poison_message_becomes_a_dead_letter_and_every_acknowledged_reading_is_stored_once()
    {
        const int Readings = 2000;
        const int Poison = 25;
        await stack.IsWholeAsync(Usual);
        var before = await StoredLoadAsync(CancellationToken.None);
        var rejected = await RejectedAsync(CancellationToken.None);
        var letters = DeadLetters();

        await stack.SendAsync(new LoadCommand(Readings / 4, 4));
        Assert.Equal(Poison, (await stack.SendAsync(new PoisonCommand(Poison))).Acknowledged);

        await Wait.ForAsync("the load ended", Usual, token => stack.ControlBodyAsync("/load", token), load => !load["running"]!.GetValue<bool>());
        var load = await stack.ControlBodyAsync("/load", CancellationToken.None);
        Assert.Equal((Readings, Readings, 0), (load["sent"]!.GetValue<long>(), load["acknowledged"]!.GetValue<long>(), load["failed"]!.GetValue<long>()));
        await Wait.ForAsync("all of it stored", Usual, StoredLoadAsync, now => now >= before + Readings);
        await Wait.ForAsync("all poison rejected", Usual, RejectedAsync, now => now >= rejected + Poison);
        await Wait.ForAsync("all dead letters", Usual, _ => Task.Run(DeadLetters), now => now >= letters + Poison);
        await stack.AccountIsExactAsync();
        Assert.Equal(
            (before + Readings, rejected + Poison, letters + Poison),
            (await StoredLoadAsync(CancellationToken.None), await RejectedAsync(CancellationToken.None), DeadLetters()));
    }

    [Fact]
    public async Task A_consumer_whose_link_to_the_brokers_is_cut_is_replaced_and_comes_back()
    {
        const string Victim = "sensor-consumer-3";
        await stack.IsWholeAsync(Usual);
        var orphans = await OwnedByAsync(Victim);

        await stack.SendAsync(new LinkCommand(FactoryLink.Kafka, LinkAction.Cut));
        try
        {
            await FlowAtOthersAsync(orphans, Victim);
        }
        finally
        {
            await stack.SendAsync(new LinkCommand(FactoryLink.Kafka, LinkAction.Restore));
        }

        await stack.IsWholeAsync(Usual);
        await stack.AccountIsExactAsync();
    }

    [Fact]
    public async Task While_the_link_to_the_database_is_cut_nothing_is_stored_and_afterwards_everything()
    {
        await stack.IsWholeAsync(Usual);

        await stack.SendAsync(new LinkCommand(FactoryLink.Database, LinkAction.Cut));
        try
        {
            await Wait.ForAsync("the API serves its last snapshot as stale", TimeSpan.FromSeconds(15), token => stack.JsonAsync("/api/system-status", token), body =>
                body["stale"]!.GetValue<bool>() && body["status"]!["consumers"]!["active_count"]!.GetValue<int>() == 3);
            var stored = await stack.StoredAsync(CancellationToken.None);
            var end = await EndOfLogAsync();
            await Wait.ForAsync("readings acknowledged all the same", Usual, _ => EndOfLogAsync(), now => now > end + 100);
            Assert.Equal(stored, await stack.StoredAsync(CancellationToken.None));
        }
        finally
        {
            await stack.SendAsync(new LinkCommand(FactoryLink.Database, LinkAction.Restore));
        }

        await stack.IsWholeAsync(Usual);
        await stack.AccountIsExactAsync();
    }

    [Fact]
    public async Task A_rolling_restart_of_the_brokers_loses_nothing()
    {
        await stack.IsWholeAsync(Usual);

        await stack.SendAsync(new RollingRestartCommand());

        // The exit of a process is recorded concurrently with the command, which may have answered before.
        await Wait.ForAsync(
            "the brokers have ended one after the other", Usual,
            async token => string.Join(' ', (await stack.ControlBodyAsync("/exits", token)).AsArray().Select(exit => exit!["resource"]!.GetValue<string>()).TakeLast(3)),
            last => last == "kafka1 kafka2 kafka3");
        await stack.IsWholeAsync(Usual);
        await stack.AccountIsExactAsync();
    }

    private async Task<int[]> OwnedByAsync(string consumer)
    {
        int[] owned = [.. (await stack.OwnersAsync(CancellationToken.None)).Where(pair => pair.Value == consumer).Select(pair => pair.Key)];
        Assert.NotEmpty(owned);
        return owned;
    }

    // The session timeout of a member is 6 s.
    private Task<TimeSpan> FlowAtOthersAsync(int[] partitions, string before)
    {
        var list = string.Join(',', partitions);
        return Wait.ForAsync($"partitions {list} flowing at others than {before}", TimeSpan.FromSeconds(15), token => stack.ScalarAsync<long>(
            $"SELECT count(*) FROM partition_offsets WHERE kafka_partition IN ({list}) AND owner <> '{before}' AND recovered_at IS NOT NULL", token),
            flowing => flowing == partitions.Length);
    }

    private Task<long> RejectedAsync(CancellationToken cancellationToken) => stack.ScalarAsync<long>("SELECT count(*) FROM rejected_messages", cancellationToken);

    private Task<long> StoredLoadAsync(CancellationToken cancellationToken) =>
        stack.ScalarAsync<long>("SELECT count(*) FROM sensor_readings WHERE sensor_id LIKE 'load-sensor-%'", cancellationToken);

    private long DeadLetters() => End(KafkaNames.Default.DeadLetterTopic, KafkaNames.DeadLetterPartitions);

    private Task<long> EndOfLogAsync() => Task.Run(() => End(KafkaNames.Default.SensorTopic, KafkaNames.SensorPartitions));

    private long End(string topic, int partitions)
    {
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig { BootstrapServers = stack.KafkaBootstrap, GroupId = "end" }).Build();
        return Enumerable.Range(0, partitions).Sum(partition => consumer.QueryWatermarkOffsets(new TopicPartition(topic, partition), TimeSpan.FromSeconds(10)).High.Value);
    }
}
