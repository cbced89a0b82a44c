using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class GroupQuestionsTests
{
    /// <summary>
    /// librdkafka (2.16 and before) aborts the process if the coordinator that an administrative client queries about a group goes away before it answers:
    /// "rd_kafka_enq_once_del_source_return: Assertion `eonce->refcnt > 0' failed". A consumer of the group may make the same queries.
    /// </summary>
    private static readonly string[] Deadly =
    [
        "ListConsumerGroupOffsetsAsync", "AlterConsumerGroupOffsetsAsync", "DescribeConsumerGroupsAsync", "DeleteConsumerGroupOffsetsAsync", "DeleteGroupsAsync",
    ];

    [Theory]
    [InlineData("Consumers")]
    [InlineData("Sensors")]
    [InlineData("Monitoring.Api")]
    [InlineData("FactoryMonitoring.ServiceDefaults")]
    public void No_service_asks_a_coordinator_what_can_end_the_process(string assembly)
    {
        using var file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll")));
        var metadata = file.GetMetadataReader();
        var called = metadata.MemberReferences.Select(handle => metadata.GetString(metadata.GetMemberReference(handle).Name)).ToHashSet();
        Assert.NotEmpty(called);
        Assert.Empty(called.Intersect(Deadly));
    }
}
