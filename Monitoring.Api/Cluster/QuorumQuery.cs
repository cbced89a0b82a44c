using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>
/// Queries the metadata quorum, whose leader is the active controller. The client library does not support this request, and the controller in its
/// metadata is an arbitrary broker (KIP-590).
/// </summary>
internal static class QuorumQuery
{
    private const short ApiKey = 55;
    private const short Version = 0;

    /// <returns>Null if no broker responds.</returns>
    public static async Task<QuorumBody?> AskAsync(IEnumerable<BrokerMeasurement> brokers, CancellationToken cancellationToken)
    {
        foreach (var broker in brokers.Where(broker => broker.Up))
        {
            if (await BrokerRequest.SendAsync(broker, ApiKey, Version, Body(), cancellationToken) is { } answer && Read(answer) is { } quorum) return quorum;
        }
        return null;
    }

    /// <returns>The quorum in a response (without its size); null if it has no leader.</returns>
    public static QuorumBody? Read(ReadOnlySpan<byte> answer)
    {
        try
        {
            var reader = new AnswerReader(answer);
            reader.Int32(); // Correlation id.
            reader.SkipTags();
            if (reader.Int16() != 0 || reader.Count() != 1) return null;
            reader.String(); // The topic: __cluster_metadata.
            if (reader.Count() != 1) return null;
            reader.Int32(); // Its only partition: 0.
            if (reader.Int16() != 0) return null;
            var (leader, epoch) = (reader.Int32(), reader.Int32());
            reader.Int64(); // High watermark.
            var ends = new List<(int Id, long End)>();
            for (var voters = reader.Count(); voters > 0; voters--)
            {
                ends.Add((reader.Int32(), reader.Int64()));
                reader.SkipTags();
            }
            if (leader < 0) return null;
            // The leader itself is not behind. A follower that has not fetched yet has the end -1.
            var end = ends.Find(voter => voter.Id == leader).End;
            return new(leader, epoch, [.. ends.Select(voter => new QuorumVoterBody(voter.Id, ResourceNames.Broker(voter.Id), voter.End < 0 ? null : Math.Max(0, end - voter.End)))]);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static byte[] Body()
    {
        var topic = "__cluster_metadata"u8;
        return [2, (byte)(topic.Length + 1), .. topic, 2, 0, 0, 0, 0, 0, 0, 0];
    }
}
