using System.Diagnostics;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.ServiceDefaults.Kafka;

namespace FactoryMonitoring.Consumers.Outbox;

/// <summary>A message as it is in the log.</summary>
internal sealed record SourceRecord(byte[]? Key, KeptValue Value, Headers Headers);

/// <summary>
/// Looks up single messages in the log, with their headers. Only alerts and dead letters need headers. Marshaling the headers of every reading would more than
/// double the cost of consuming.
/// </summary>
internal sealed class SourceRecords(IConfiguration configuration, KafkaCredentials credentials, ConsumerIdentity identity) : IDisposable
{
    /// <summary>Up to this many messages are read and discarded instead of seeking past them.</summary>
    private const int ReadOver = 200;

    private const int PollMs = 50;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private IConsumer<byte[]?, KeptValue>? _consumer;

    public void Dispose() => _consumer?.Dispose();

    /// <summary>Finds the messages that are still there; blocks for at most 2 s.</summary>
    /// <returns>The messages found, and those for which it is unknown whether the log still has them.</returns>
    /// <exception cref="KafkaException">The client cannot continue.</exception>
    public (Dictionary<(int Partition, long Offset), SourceRecord> Found, HashSet<(int Partition, long Offset)> Unanswered) Find(IEnumerable<(int Partition, long Offset)> places)
    {
        var wanted = places.Distinct().GroupBy(place => place.Partition)
            .ToDictionary(group => group.Key, group => new Queue<long>(group.Select(place => place.Offset).Order()));
        var found = new Dictionary<(int Partition, long Offset), SourceRecord>();
        var consumer = _consumer ??= Build();
        consumer.Assign(wanted.Select(pair => new TopicPartitionOffset(identity.SensorTopic, pair.Key, pair.Value.Peek())));
        var started = Stopwatch.GetTimestamp();
        while (wanted.Count > 0 && Stopwatch.GetElapsedTime(started) < Limit)
        {
            var result = Consume(consumer, wanted);
            if (result is null || !wanted.TryGetValue(result.Partition.Value, out var offsets))
            {
                continue;
            }

            var offset = result.IsPartitionEOF ? long.MaxValue : result.Offset.Value;
            if (offset == offsets.Peek())
            {
                found[(result.Partition.Value, offset)] = new SourceRecord(result.Message.Key, result.Message.Value, result.Message.Headers);
            }

            // Messages that the log no longer has are skipped.
            while (offsets.Count > 0 && offsets.Peek() <= offset)
            {
                offsets.Dequeue();
            }

            if (offsets.Count == 0)
            {
                wanted.Remove(result.Partition.Value);
                consumer.IncrementalUnassign([new TopicPartition(identity.SensorTopic, result.Partition)]);
            }
            else if (offsets.Peek() - offset > ReadOver)
            {
                consumer.Seek(new TopicPartitionOffset(identity.SensorTopic, result.Partition, offsets.Peek()));
            }
        }

        consumer.Unassign();
        return (found, [.. wanted.SelectMany(pair => pair.Value.Select(offset => (pair.Key, offset)))]);
    }

    /// <summary>Reads one message, or skips records that the client cannot decompress: none of them is wanted, because none of them was read.</summary>
    private ConsumeResult<byte[]?, KeptValue>? Consume(IConsumer<byte[]?, KeptValue> consumer, Dictionary<int, Queue<long>> wanted)
    {
        try
        {
            return consumer.Consume(PollMs);
        }
        catch (ConsumeException exception) when (
            exception.Error.Code == ErrorCode.Local_BadCompression
            && wanted.TryGetValue(exception.ConsumerRecord.Partition.Value, out var offsets)
            && exception.ConsumerRecord.Offset.Value < offsets.Peek())
        {
            consumer.Seek(new TopicPartitionOffset(identity.SensorTopic, exception.ConsumerRecord.Partition, offsets.Peek()));
            return null;
        }
    }

    private IConsumer<byte[]?, KeptValue> Build()
    {
        var config = new ConsumerConfig().UseFactoryKafka(configuration);
        KafkaSettings.ApplyLookup(config, identity);
        return credentials.Keep(new ConsumerBuilder<byte[]?, KeptValue>(config).SetValueDeserializer(new KeptValue.Deserializer()).SetLogHandler((_, _) => { }).Build());
    }
}
