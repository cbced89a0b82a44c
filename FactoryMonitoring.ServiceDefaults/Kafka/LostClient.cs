using Confluent.Kafka;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Failures that a Kafka client takes for fatal, and that a new client does not have: the brokers have forgotten the group, or the producer's sequence. Brokers that
/// were killed, or that changed leaders while they started, may have lost what they had not yet replicated. Nothing depends on it: offsets are in the database.
/// </summary>
public static class LostClient
{
    public static bool IsLost(Exception exception) => exception is KafkaException { Error: var error } && IsLost(error);

    public static bool IsLost(Error error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.IsFatal && error.Code is ErrorCode.GroupIdNotFound or ErrorCode.UnknownMemberId or ErrorCode.FencedMemberEpoch
            or ErrorCode.OutOfOrderSequenceNumber or ErrorCode.InvalidProducerEpoch or ErrorCode.UnknownProducerId;
    }
}
