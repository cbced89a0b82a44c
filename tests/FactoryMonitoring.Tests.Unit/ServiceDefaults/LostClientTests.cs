using Confluent.Kafka;
using FactoryMonitoring.ServiceDefaults.Kafka;

namespace FactoryMonitoring.Tests.Unit.ServiceDefaults;

public sealed class LostClientTests
{
    [Theory]
    [InlineData(ErrorCode.GroupIdNotFound, true, true)]
    [InlineData(ErrorCode.OutOfOrderSequenceNumber, true, true)]
    [InlineData(ErrorCode.GroupIdNotFound, false, false)]
    [InlineData(ErrorCode.TopicAuthorizationFailed, true, false)]
    public void A_new_client_helps_where_the_brokers_have_forgotten_this_one(ErrorCode code, bool isFatal, bool isLost)
    {
        Assert.Equal(isLost, LostClient.IsLost(new KafkaException(new Error(code, "", isFatal))));
        Assert.Equal(isLost, LostClient.IsLost(new ProduceException<byte[], byte[]>(new Error(code, "", isFatal), null)));
        Assert.False(LostClient.IsLost(new InvalidOperationException()));
    }
}
