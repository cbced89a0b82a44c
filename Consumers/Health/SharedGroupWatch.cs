using System.Buffers.Binary;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.ServiceDefaults.Kafka;
using Npgsql;

namespace FactoryMonitoring.Consumers.Health;

/// <summary>
/// Detects consumers of another database in the group: two stacks share the brokers, and each stores a part of the readings. All consumers
/// write, every few seconds, their database's identity as an offset of a group without members; a different identity found there belongs to another stack. They
/// use a consumer that reads nothing: with an administrative client, librdkafka aborts the process if the group's coordinator becomes unavailable meanwhile.
/// </summary>
internal sealed partial class SharedGroupWatch(
    IConfiguration configuration, KafkaCredentials credentials, NpgsqlDataSource dataSource, ConsumerIdentity identity, ConsumerStatus status, TimeProvider time,
    ILogger<SharedGroupWatch> logger)
    : BackgroundService
{
    // A check that finds another identity counts this much; one that does not subtracts 1. The identity left by an earlier stack is found once; of two
    // stacks, each finds the other every second time.
    private const int Sighting = 3;
    private const int Certain = Sighting + 1;
    private const int Most = 3 * Sighting;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>The name of the group that holds the identity.</summary>
    public static string MarkerOf(string group) => group + ".database";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var client = Client();
        var look = Task.FromResult<long?>(null);
        try
        {
            await WatchAsync(own => look = Task.Run(() => CompareCommitted(client, own), CancellationToken.None), stoppingToken);
        }
        finally
        {
            // A client that still waits for an answer must not be disposed of; it ends with the process.
            if (look.IsCompleted)
            {
                client.Dispose();
            }
        }
    }

    private async Task WatchAsync(Func<long, Task<long?>> look, CancellationToken stoppingToken)
    {
        var sightings = 0;
        while (true)
        {
            // Randomized, so that the consumers do not check in step.
            await Task.Delay(Interval * (0.5 + Random.Shared.NextDouble()), time, stoppingToken);
            try
            {
                var own = await DatabaseAsync(stoppingToken);
                var found = await look(own).WaitAsync(stoppingToken);
                sightings = found is null || found == own ? Math.Max(0, sightings - 1) : Math.Min(Most, sightings + Sighting);
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or KafkaException)
            {
                // The consumer itself reports that the brokers or the database are unavailable.
                Log.NotLooked(logger, exception.Message);
                continue;
            }

            if (status.SharesGroup != sightings >= Certain)
            {
                status.SharesGroup = !status.SharesGroup;
                if (status.SharesGroup)
                {
                    Log.Shared(logger, identity.Group, Contracts.EnvironmentNames.ConsumerGroup);
                }
                else
                {
                    Log.Alone(logger, identity.Group);
                }
            }
        }
    }

    /// <summary>Returns the current database's identity as an offset: 62 bits of it.</summary>
    private async Task<long> DatabaseAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("SELECT id FROM database_identity");
        return await command.ExecuteScalarAsync(cancellationToken) is Guid id
            ? BinaryPrimitives.ReadInt64BigEndian(id.ToByteArray(bigEndian: true)) & (long.MaxValue >> 1)
            : throw new NpgsqlException("The database has no identity");
    }

    /// <summary>Reads the committed identity, and commits this consumer's.</summary>
    /// <returns>The identity found; null if there was none.</returns>
    private long? CompareCommitted(IConsumer<Ignore, Ignore> client, long own)
    {
        var place = new TopicPartition(identity.SensorTopic, 0);
        var found = client.Committed([place], Limit)[0].Offset;
        client.Commit([new TopicPartitionOffset(place, own)]);
        return found.Value >= 0 ? found.Value : null;
    }

    private IConsumer<Ignore, Ignore> Client()
    {
        var config = new ConsumerConfig
        {
            GroupId = MarkerOf(identity.Group),
            ClientId = MarkerOf(identity.ConsumerId),
            EnableAutoCommit = false,
            // A commit waits this long for the coordinator, too.
            SocketTimeoutMs = 2 * (int)Limit.TotalMilliseconds,
        }.UseFactoryKafka(configuration);
        return credentials.Keep(new ConsumerBuilder<Ignore, Ignore>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build());
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error,
            "Consumers of another database take part in the group {Group}: two stacks share these brokers, and each stores a part of the readings. Give one of them brokers of its own, or another {Setting}.")]
        public static partial void Shared(ILogger logger, string group, string setting);

        [LoggerMessage(LogLevel.Information, "All members of the group {Group} use this database again")]
        public static partial void Alone(ILogger logger, string group);

        [LoggerMessage(LogLevel.Debug, "Cannot look for consumers of another database: {Reason}")]
        public static partial void NotLooked(ILogger logger, string reason);
    }
}
