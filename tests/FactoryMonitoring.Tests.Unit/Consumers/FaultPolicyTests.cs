using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Ingestion.Storing;
using FactoryMonitoring.Data;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class FaultPolicyTests
{
    [Fact]
    public void What_is_none_of_the_databases_is_not_tried_again()
    {
        Assert.Equal(DatabaseFault.SessionLost, FaultPolicy.Of(new NpgsqlException(), CancellationToken.None));
        Assert.Null(FaultPolicy.Of(new InvalidOperationException(), CancellationToken.None));
        Assert.Null(FaultPolicy.Of(new NpgsqlException(), new CancellationToken(canceled: true)));
    }

    [Theory]
    [InlineData(DatabaseFault.Transient, 1, 20)]
    [InlineData(DatabaseFault.SessionLost, 2, 250)]
    [InlineData(DatabaseFault.Unfit, 100, 250)]
    [InlineData(DatabaseFault.NoRoom, 1, 250)]
    [InlineData(DatabaseFault.NoRoom, 2, 500)]
    [InlineData(DatabaseFault.NoRoom, 4, 2_000)]
    [InlineData(DatabaseFault.NoRoom, 5, 3_000)]
    [InlineData(DatabaseFault.NoRoom, 5_000, 3_000)]
    public void The_same_is_tried_again_after_a_delay_that_costs_a_full_disk_little(DatabaseFault fault, int attempts, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), FaultPolicy.DelayAfter(fault, attempts));

    [Fact]
    public void What_is_wrong_with_the_database_is_shown_until_it_does_what_it_is_asked()
    {
        var status = new ConsumerStatus();
        var standing = new DatabaseCondition(0, status, new FakeTimeProvider(), NullLogger.Instance);

        standing.IsAway(new TimeoutException());
        Assert.Equal("database away", status.Condition);
        standing.Refuses(new TimeoutException("why"));
        Assert.Equal("waiting: the database stores nothing (why)", status.Condition);
        standing.HasNoRoom(new TimeoutException());
        Assert.NotEqual("waiting: the database stores nothing (why)", status.Condition);
        standing.IsBack();
        Assert.Null(status.Condition);
    }

    [Fact]
    public void A_step_of_the_clock_is_work_up_to_its_limit()
    {
        var time = new FakeTimeProvider();
        var working = new WorkingTime(time);

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(1), working.Advance());
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(TimeSpan.FromSeconds(3), working.Advance());
        Assert.Equal(TimeSpan.FromSeconds(3), working.Now);
    }
}
