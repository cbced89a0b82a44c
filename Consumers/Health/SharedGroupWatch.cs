using System.Buffers.Binary;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Consumers.Health;

/// <summary>
/// Notices that consumers of another database take part in the group: two stacks share the brokers, and each stores a part of the readings. All consumers
/// write, every few seconds, their database's identity as an offset of a group that has no members; what they find there is that of the others.
/// </summary>
internal sealed partial class SharedGroupWatch(
    IServiceProvider services, NpgsqlDataSource dataSource, ConsumerIdentity identity, ConsumerStatus status, TimeProvider time, ILogger<SharedGroupWatch> logger)
    : BackgroundService
{
    // A look that finds another identity counts this much, one that does not takes 1 back. What a stack before this one has left is found once; of two
    // stacks, each finds the other every second time.
    private const int Sighting = 3;
    private const int Certain = Sighting + 1;
    private const int Most = 3 * Sighting;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    /// <summary>The name of the group that holds the identity.</summary>
    public static string MarkerOf(string group) => group + ".database";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var sightings = 0;
        while (true)
        {
            // Not in step with the others.
            await Task.Delay(Interval * (0.5 + Random.Shared.NextDouble()), time, stoppingToken);
            try
            {
                var own = await DatabaseAsync(stoppingToken);
                var found = await FindAsync();
                await WriteAsync(own);
                sightings = found is null || found == own ? Math.Max(0, sightings - 1) : Math.Min(Most, sightings + Sighting);
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or KafkaException or ObjectDisposedException)
            {
                // The consumer itself says that the brokers or the database are away. Its client is closed before this ends.
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

    /// <summary>The present database's identity as an offset: 62 bits of it.</summary>
    private async Task<long> DatabaseAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("SELECT id FROM database_identity");
        return await command.ExecuteScalarAsync(cancellationToken) is Guid id
            ? BinaryPrimitives.ReadInt64BigEndian(id.ToByteArray(bigEndian: true)) & (long.MaxValue >> 1)
            : throw new NpgsqlException("The database has no identity");
    }

    private async Task<long?> FindAsync()
    {
        using var admin = Admin();
        var answers = await admin.ListConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitions(MarkerOf(identity.Group), [Place])]);
        return answers is [{ Partitions: [{ Error.IsError: false, Offset.Value: >= 0 and var found }] }] ? found : null;
    }

    private async Task WriteAsync(long own)
    {
        using var admin = Admin();
        await admin.AlterConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitionOffsets(MarkerOf(identity.Group), [new TopicPartitionOffset(Place, own)])]);
    }

    private TopicPartition Place => new(identity.SensorTopic, 0);

    private IAdminClient Admin() => new DependentAdminClientBuilder(services.GetRequiredService<IConsumer<Ignore, Rejection>>().Handle).Build();

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error,
            "Consumers of another database take part in the group {Group}: two stacks share these brokers, and each stores a part of the readings. Give one of them brokers of its own, or another {Setting}.")]
        public static partial void Shared(ILogger logger, string group, string setting);

        [LoggerMessage(LogLevel.Information, "Consumers of this database alone take part in the group {Group} again")]
        public static partial void Alone(ILogger logger, string group);

        [LoggerMessage(LogLevel.Debug, "Could not look for consumers of another database: {Reason}")]
        public static partial void NotLooked(ILogger logger, string reason);
    }
}
