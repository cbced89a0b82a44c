namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>A broker's logs and disks.</summary>
/// <param name="Logs">Size in bytes of each of its replicas.</param>
/// <param name="DiskBytes">Size of the disks that the logs are on, together; null where the broker does not know it.</param>
/// <param name="FreeBytes">What is free on them.</param>
internal sealed record LogDirectories(IReadOnlyDictionary<(string Topic, int Partition), long> Logs, long? DiskBytes, long? FreeBytes);

/// <summary>Queries the sizes of a broker's logs and disks. The client library does not support this request.</summary>
internal static class LogDirectoriesQuery
{
    private const short ApiKey = 35;
    private const short Version = 4;

    // All topics, and no tagged fields.
    private static readonly byte[] Body = [0, 0];

    /// <returns>Null if the broker does not respond.</returns>
    public static async Task<LogDirectories?> AskAsync(BrokerMeasurement broker, CancellationToken cancellationToken) =>
        broker.Up && await BrokerRequest.SendAsync(broker, ApiKey, Version, Body, cancellationToken) is { } answer ? Read(answer) : null;

    /// <returns>The logs in a response (without its size); null if it is an error.</returns>
    public static LogDirectories? Read(ReadOnlySpan<byte> answer)
    {
        try
        {
            var reader = new AnswerReader(answer);
            reader.Int32(); // Correlation id.
            reader.SkipTags();
            reader.Int32(); // Throttle time.
            if (reader.Int16() != 0) return null;
            var logs = new Dictionary<(string, int), long>();
            long disk = 0, free = 0;
            var isKnown = true;
            for (var directories = reader.Count(); directories > 0; directories--)
            {
                if (reader.Int16() != 0) return null;
                reader.String(); // Its path.
                for (var topics = reader.Count(); topics > 0; topics--)
                {
                    var topic = reader.String();
                    for (var partitions = reader.Count(); partitions > 0; partitions--)
                    {
                        var (partition, bytes) = (reader.Int32(), reader.Int64());
                        reader.Int64(); // How far it is behind.
                        // A copy that will take the place of the log in another directory.
                        if (!reader.Boolean()) logs[(topic, partition)] = bytes;
                        reader.SkipTags();
                    }
                    reader.SkipTags();
                }
                var (total, usable) = (reader.Int64(), reader.Int64());
                reader.SkipTags();
                isKnown &= total >= 0 && usable >= 0;
                (disk, free) = (disk + total, free + usable);
            }
            return logs.Count == 0 && disk == 0 ? null : new(logs, isKnown ? disk : null, isKnown ? free : null);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
