using System.Diagnostics;
using Confluent.Kafka;
using FactoryMonitoring.Benchmarks.Servers;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Benchmarks;

/// <summary>The throughput that each half of the pipeline could reach alone on this machine.</summary>
internal static class CeilingRuns
{
    /// <summary>Consumes every message with the pipeline's own client, settings and fields, and does nothing with it.</summary>
    public static double Consume(Brokers brokers, string topic, long count)
    {
        var config = new ConsumerConfig { BootstrapServers = brokers.Bootstrap };
        KafkaSettings.Apply(config, ConsumerProtocol.Consumer, withHeaders: false, new ConsumerIdentity("ceiling", $"ceiling-{Guid.NewGuid():N}", topic, "", ""));
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(config).Build();
        consumer.Assign(Enumerable.Range(0, Brokers.Partitions).Select(partition => new TopicPartitionOffset(topic, partition, 0)));
        long taken = 0;
        long started = 0;
        while (taken < count)
        {
            if (consumer.Consume(100) is { IsPartitionEOF: false })
            {
                started = started == 0 ? Stopwatch.GetTimestamp() : started;
                taken++;
            }
        }

        return count / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>
    /// Copies as many rows into the table of readings by COPY, with as many connections as a consumer has lanes and as many rows per transaction.
    /// </summary>
    public static async Task<double> CopyAsync(Postgres postgres, int count)
    {
        var options = new ConsumersOptions();
        await postgres.ResetAsync();
        var dictionaries = new DictionaryStore(postgres.DataSource);
        var log = new LogTopic(await dictionaries.LogKeyAsync("ceiling", CancellationToken.None), "ceiling", "ceiling");
        var consumer = await dictionaries.ConsumerKeyAsync("ceiling", CancellationToken.None);
        var sensors = await dictionaries.SensorKeysAsync(
            [.. Enumerable.Range(0, 120).Select(n => new SensorDescriptionRow($"s-{n}", "temperature", "°C", "production", "machine", "zone"))], CancellationToken.None);
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, options.Lanes).Select(lane => Task.Run(() =>
            CopyLaneAsync(postgres.DataSource, log, consumer, sensors, lane, count / options.Lanes, options.MaxBatchSize))));
        return count / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task CopyLaneAsync(NpgsqlDataSource dataSource, LogTopic log, int consumer, int[] sensors, int partition, int count, int perTransaction)
    {
        var rows = new ReadingRows(perTransaction);
        var timestamp = PostgresTime.FromUtc(DateTime.UtcNow);
        await using var connection = await dataSource.OpenConnectionAsync();
        for (var offset = 0; offset < count;)
        {
            rows.Clear();
            for (var end = Math.Min(count, offset + perTransaction); offset < end; offset++)
            {
                rows.Add(timestamp + offset, offset, offset * 0.01, sensors[offset % sensors.Length], consumer, partition, 1, log.LogKey, AlertLevel.Normal, offset);
            }

            await using var transaction = await connection.BeginTransactionAsync();
            await rows.CopyAsync(connection, CancellationToken.None);
            await transaction.CommitAsync();
        }
    }
}
