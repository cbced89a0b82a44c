using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Tests.Containers;

/// <summary>The commands that a reader of the handout types in a second terminal, and what page and API show after them.</summary>
public sealed class KillTests(ComposeStack stack) : ComposeTest(stack)
{
    [ContainerFact]
    public async Task Docker_kill_of_a_consumer_moves_its_partitions_and_docker_start_brings_it_back()
    {
        await DockerAsync("kill", "sensor-consumer-1");

        var consumers = await EventuallyConsumersAsync(all => all.Any(consumer => consumer is { ConsumerId: "sensor-consumer-1", Status: "inactive" })
            && all.Where(consumer => consumer.Status == "active").Sum(consumer => consumer.AssignedPartitions.Count) == 6);
        Assert.Empty(consumers.Single(consumer => consumer.ConsumerId == "sensor-consumer-1").AssignedPartitions);
        var events = await EventuallyAsync(
            "/api/rebalancing-events", ApiJson.Context.IReadOnlyListRebalancingEventBody, all => all.Any(one => one.EventType == "lost" && one.ConsumerId == "sensor-consumer-1"));
        Assert.Contains(events, one => one.EventType == "assigned" && one.ConsumerId != "sensor-consumer-1");
        await EventuallyPageShowsAsync("/consumers", "sensor-consumer-1 inactive");
        Assert.Equal("false", (await InspectAsync("sensor-consumer-1")).GetProperty("State").GetProperty("Running").GetRawText());
        await ReadingsFlowAsync();

        await DockerAsync("start", "sensor-consumer-1");

        await EventuallyConsumersAsync(all => all.Any(consumer => consumer is { ConsumerId: "sensor-consumer-1", Status: "active", AssignedPartitions.Count: > 0 }));
        await EventuallyPageShowsAsync("/consumers", "sensor-consumer-1 active");
    }

    [ContainerFact]
    public async Task Docker_kill_of_a_sensor_shows_it_inactive_and_docker_start_brings_it_back()
    {
        await DockerAsync("kill", "temperature-sensor");

        await EventuallyProducerAsync("temperature-sensor", producer => producer.Status == "inactive");
        await EventuallyStatusAsync(body => body.Status.Producers is { ActiveCount: 4, TotalCount: 5 });
        await EventuallyPageShowsAsync("/sensors", "temperature-sensor inactive");
        await ReadingsFlowAsync();

        await DockerAsync("start", "temperature-sensor");

        await EventuallyProducerAsync("temperature-sensor", producer => producer is { Status: "active", Connection: "connected" });
    }

    [ContainerFact]
    public async Task Docker_kill_of_a_broker_shows_it_down_while_readings_flow_and_docker_start_brings_it_back()
    {
        await DockerAsync("kill", "kafka2");

        var cluster = await EventuallyClusterAsync(body => body.Brokers.Any(broker => broker is { Id: 2, Up: false })
            && body.Partitions.All(partition => partition.Leader is 1 or 3));
        await EventuallyPageShowsAsync("/brokers", "kafka2 down");
        Assert.Equal([1, 3], cluster.Brokers.Where(broker => broker.Up).Select(broker => broker.Id).Order());
        await ReadingsFlowAsync();

        await DockerAsync("start", "kafka2");

        await EventuallyClusterAsync(body => body.Brokers.Any(broker => broker is { Id: 2, Up: true }));
    }

    [ContainerFact]
    public async Task A_crash_inside_a_container_is_brought_back_by_the_restart_policy()
    {
        var before = (await InspectAsync("sensor-consumer-2")).GetProperty("RestartCount").GetInt32();

        // The service is the child of the container's init, which is process 1 and cannot be killed from inside the container.
        await DockerAsync("exec", "sensor-consumer-2", "bash", "-c", "kill -9 $(cat /proc/1/task/1/children)");

        await EventuallyContainerAsync("sensor-consumer-2", container => container.GetProperty("RestartCount").GetInt32() == before + 1
            && container.GetProperty("State").GetProperty("Running").GetBoolean());
        await EventuallyConsumersAsync(all => all.Any(consumer => consumer is { ConsumerId: "sensor-consumer-2", Status: "active", AssignedPartitions.Count: > 0 }));
    }

    [ContainerFact]
    public async Task Make_pauses_and_resumes_a_consumer_of_its_own_stack_and_touches_no_other()
    {
        await Stack.MakeAsync("pause-consumer", Timeout, ("N", "3"));
        await EventuallyConsumersAsync(all => all.Any(consumer => consumer is { ConsumerId: "sensor-consumer-3", Status: "inactive" }));
        await Stack.MakeAsync("resume-consumer", Timeout, ("N", "3"));

        var nobody = await Assert.ThrowsAsync<InvalidOperationException>(() => Stack.MakeAsync("kill-consumer", Timeout, ("N", "9")));
        var unknown = await Assert.ThrowsAsync<InvalidOperationException>(
            () => Stack.MakeAsync("kill-consumer", Timeout, ("N", "3"), ("COMPOSE_ENV", "artifacts/no-such.env"), ("RUN_DIRECTORY", "artifacts/no-such-run")));

        Assert.Contains("there is no sensor-consumer-9: ", nobody.Message, StringComparison.Ordinal);
        Assert.Contains("no stack runs", unknown.Message, StringComparison.Ordinal);
        Assert.True((await InspectAsync("sensor-consumer-3")).GetProperty("State").GetProperty("Running").GetBoolean());
    }
}
