using Confluent.Kafka;
using FactoryMonitoring.Sensors;
using FactoryMonitoring.Sensors.Accounting;
using FactoryMonitoring.Sensors.Publishing;
using FactoryMonitoring.Sensors.Simulation;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class ProducerConditionTests
{
    private static readonly DeliveryStanding Well = new(0, TimeSpan.Zero, 10, null);
    private readonly FakeTimeProvider _time = new();
    private readonly DeliveryAccount _account;
    private readonly ProducerCondition _condition;

    public ProducerConditionTests()
    {
        _account = new(new SimulatedFleet(Options.Create(new SensorsOptions { SensorType = "energy", PerType = 1 })), _time);
        _condition = new ProducerCondition(_account, _time, NullLogger<ProducerCondition>.Instance);
    }

    [Fact]
    public void A_producer_is_disconnected_until_a_broker_has_answered()
    {
        Assert.Equal(("degraded", "it has not reached the brokers yet"), _condition.Judge(Well));

        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(("disconnected", "no broker answers"), _condition.Judge(Well));

        _condition.BrokersAnswered();

        Assert.Equal(("connected", null), _condition.Judge(Well));
    }

    [Fact]
    public void A_producer_is_disconnected_while_all_brokers_are_down_and_the_log_is_asked_for_anew()
    {
        _condition.BrokersAnswered();
        _account.Resolve(_account.Epoch, "log");
        _condition.OnError(new Error(ErrorCode.Local_Transport, "one broker"));
        Assert.Equal(("connected", null), _condition.Judge(Well));

        _condition.OnError(new Error(ErrorCode.Local_AllBrokersDown, "all brokers"));

        Assert.Equal(("disconnected", "no broker answers"), _condition.Judge(Well));
        Assert.Null(_account.Epoch.LogId);

        Assert.Equal(("connected", null), _condition.Judge(Well with { LastAcknowledged = _time.GetUtcNow() + TimeSpan.FromSeconds(1) }));
    }

    [Fact]
    public async Task Its_health_is_that_of_the_brokers_alone()
    {
        _condition.BrokersAnswered();
        _condition.IsAccountLate = true;
        _condition.IsOutOfCounts = true;

        Assert.Equal(HealthStatus.Healthy, (await _condition.CheckHealthAsync(new())).Status);

        _condition.Obstacle = "the queue to the brokers is full";
        Assert.Equal(HealthStatus.Degraded, (await _condition.CheckHealthAsync(new())).Status);
    }

    [Fact]
    public void A_producer_is_degraded_by_whatever_holds_readings_up()
    {
        _condition.BrokersAnswered();
        Assert.Equal(("degraded", "acknowledgements are 2.1 s late"), _condition.Judge(Well with { Queued = 1, OldestWait = TimeSpan.FromSeconds(2.1) }));

        _condition.IsAccountLate = true;
        Assert.Equal(("degraded", "the database does not take acknowledgements"), _condition.Judge(Well));

        _condition.IsOutOfCounts = true;
        Assert.Equal(("degraded", "waiting for the database: no reading counts left"), _condition.Judge(Well));

        _condition.Obstacle = "the queue to the brokers is full";
        Assert.Equal(("degraded", "sensors wait: the queue to the brokers is full"), _condition.Judge(Well));
    }

    [Fact]
    public void The_end_of_a_replay_is_said_and_is_no_fault()
    {
        _condition.BrokersAnswered();
        _condition.IsOver = true;

        Assert.Equal(("connected", "replay ended"), _condition.Judge(Well));
    }
}
