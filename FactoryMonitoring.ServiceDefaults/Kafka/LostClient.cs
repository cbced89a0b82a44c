using Confluent.Kafka;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Errors that are fatal to a Kafka client, and that a new client does not have: the brokers have forgotten the group, or the producer's sequence. Brokers that
/// were killed, or that changed leaders during startup, may have lost data that were not yet replicated. Nothing depends on them: offsets are in the database.
/// </summary>
public static class LostClient
{
    public static bool IsLost(Exception exception) => exception is HungClientException || (exception is KafkaException { Error: var error } && IsLost(error));

    public static bool IsLost(Error error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.IsFatal && error.Code is ErrorCode.GroupIdNotFound or ErrorCode.UnknownMemberId or ErrorCode.FencedMemberEpoch
            or ErrorCode.OutOfOrderSequenceNumber or ErrorCode.InvalidProducerEpoch or ErrorCode.UnknownProducerId;
    }
}
