using System.Diagnostics;
using Confluent.Kafka;
using FactoryMonitoring.Benchmarks.Servers;

namespace FactoryMonitoring.Benchmarks;

/// <summary>A client that sends invalid messages, as large and as fast as a broker accepts them, among readings.</summary>
internal static class LargeRuns
{
    private const int Bytes = 1_000_000;
    private const int ReadingsPerSecond = 100;
    private const int Replicas = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    /// <param name="MegabytesPerSecond">Megabytes per second sent and rejected, until the last message was rejected.</param>
    /// <param name="PeakMemoryMb">Peak memory of the largest consumer.</param>
    /// <param name="LongestStandstill">Seconds in which no reading was stored.</param>
    public sealed record Flood(double MegabytesPerSecond, double PeakMemoryMb, double LongestStandstill);

    public static async Task<Flood> RunAsync(string repository, string directory, Brokers brokers, Postgres postgres, string topic, int count)
    {
        await postgres.ResetAsync();
        var group = $"bench-{Guid.NewGuid():N}";
        var consumers = Enumerable.Range(1, Replicas)
            .Select(n => Services.StartConsumer(repository, directory, $"bench-consumer-{n}", brokers, postgres, topic, group)).ToList();
        try
        {
            using var load = new Load(1);
            using var enough = new CancellationTokenSource();
            var readings = Task.Run(() => load.Produce(brokers.Bootstrap, topic, long.MaxValue, ReadingsPerSecond, cancellationToken: enough.Token));
            await UntilAsync(consumers, () => postgres.ScalarAsync<bool>("SELECT COALESCE(sum(stored), 0) > 500 FROM partition_offsets"));
            var started = Stopwatch.GetTimestamp();
            var sending = Task.Run(() => Send(brokers.Bootstrap, topic, count));
            var (stored, movedAt, standstill) = (0L, started, TimeSpan.Zero);
            await UntilAsync(consumers, async () =>
            {
                if (await postgres.ScalarAsync<long>("SELECT sum(stored)::bigint FROM partition_offsets") is var now && now > stored)
                {
                    standstill = Stopwatch.GetElapsedTime(movedAt) is var elapsed && elapsed > standstill ? elapsed : standstill;
                    (stored, movedAt) = (now, Stopwatch.GetTimestamp());
                }

                return await postgres.ScalarAsync<bool>($"SELECT sum(rejected) >= {count} FROM partition_offsets");
            });
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            await sending;
            await enough.CancelAsync();
            var sent = await readings;
            await UntilAsync(consumers, () => postgres.ScalarAsync<bool>($"SELECT sum(stored) = {sent} AND sum(rejected) = {count} FROM partition_offsets"));
            return new Flood(count * (double)Bytes / 1e6 / seconds, consumers.Max(consumer => consumer.MemoryMb("VmHWM")), standstill.TotalSeconds);
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

    private static void Send(string bootstrap, string topic, int count)
    {
        var random = new Random(1);
        var config = new ProducerConfig { BootstrapServers = bootstrap, MessageMaxBytes = 2 * Bytes, QueueBufferingMaxKbytes = 64 * 1024, EnableDeliveryReports = false };
        using var producer = new ProducerBuilder<Null, byte[]>(config).Build();
        var value = new byte[Bytes];
        random.NextBytes(value);
        for (var sent = 0; sent < count;)
        {
            // The client copies the value.
            random.NextBytes(value.AsSpan(0, 64));
            try
            {
                producer.Produce(new TopicPartition(topic, new Partition(sent % Brokers.Partitions)), new Message<Null, byte[]> { Value = value });
                sent++;
            }
            catch (ProduceException<Null, byte[]> exception) when (exception.Error.Code == ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(20));
            }
        }

        producer.Flush(TimeSpan.FromMinutes(2));
    }

    private static async Task UntilAsync(List<ServerProcess> consumers, Func<Task<bool>> condition)
    {
        var started = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(started) > Limit || consumers.Exists(consumer => consumer.HasExited))
            {
                throw new InvalidOperationException("not everything was stored or rejected; the consumers' logs say why");
            }

            await timer.WaitForNextTickAsync();
        }
    }
}
