using System.Net;
using System.Text.Json;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Faults;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class FaultTests
{
    [Fact]
    public async Task Where_faults_are_off_each_is_refused_in_one_line_that_names_the_setting()
    {
        await using var app = await FaultsApp.StartAsync(faults: false, consumers: 1);
        string[] paths =
        [
            "/resources/sensor-consumer-1/pause", "/resources/sensor-consumer-1/resume", "/scale?consumers=2", "/poison?count=1", "/load?readingsPerSecond=1&seconds=1", "/rolling-restart", "/link/database?action=cut",
        ];

        foreach (var path in paths)
        {
            Assert.Equal(
                (HttpStatusCode.Forbidden, "Factory:Faults is false: faults are off; set it to true to allow them (never in Production)"),
                await app.PostAsync(path));
        }

        Assert.Equal(["sensor-consumer-1"], await app.RunningConsumersAsync());
        Assert.Equal(["start", "stop", "restart", "kill"], (await app.ResourceAsync("sensor-consumer-1"))["actions"]!.AsArray().Select(action => action!.GetValue<string>()));
        Assert.False((await app.GetAsync("/faults"))["enabled"]!.GetValue<bool>());
        Assert.Equal((HttpStatusCode.OK, "sensor-consumer-1: killed"), await app.PostAsync("/resources/sensor-consumer-1/kill"));
    }

    [Fact]
    public async Task A_paused_process_and_its_children_stand_still_until_they_are_resumed()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 1);
        var parent = (await app.ResourceAsync("family"))["pid"]!.GetValue<int>();
        await app.UntilAsync(() => ProcessTree.Descendants(parent).Count == 2);
        int[] family = [parent, .. ProcessTree.Descendants(parent)];

        Assert.Equal((HttpStatusCode.OK, "family: paused"), await app.PostAsync("/resources/family/pause"));
        // A signal is sent at once and heeded a little later.
        await app.UntilAsync(() => family.All(ProcessTree.IsStopped));
        Assert.True((await app.ResourceAsync("family"))["paused"]!.GetValue<bool>());
        Assert.False((await app.ResourceAsync("sensor-consumer-1"))["paused"]!.GetValue<bool>());

        Assert.Equal((HttpStatusCode.OK, "family: resumed"), await app.PostAsync("/resources/family/resume"));
        await app.UntilAsync(() => !family.Any(ProcessTree.IsStopped));
        Assert.False((await app.ResourceAsync("family"))["paused"]!.GetValue<bool>());
    }

    [Fact]
    public async Task What_is_paused_can_be_killed_and_does_not_keep_the_factory_from_stopping()
    {
        var app = await FaultsApp.StartAsync(faults: true, consumers: 2);
        await using (app)
        {
            await app.PostAsync("/resources/sensor-consumer-1/pause");
            Assert.Equal((HttpStatusCode.OK, "sensor-consumer-1: killed"), await app.PostAsync("/resources/sensor-consumer-1/kill"));
            await app.UntilAsync("sensor-consumer-1", body => body["state"]!.GetValue<string>() == "Finished" && !body["paused"]!.GetValue<bool>());
            await app.PostAsync("/resources/sensor-consumer-2/pause");
            await app.PostAsync("/resources/family/pause");
        }

        // Disposing has awaited its end; a process that stands still would have had to be killed, after ten seconds.
        Assert.True(app.Stopped < TimeSpan.FromSeconds(8), $"{app.Stopped}");
    }

    [Fact]
    public async Task Exactly_as_many_consumers_run_as_are_asked_for()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 3);

        Assert.Equal((HttpStatusCode.OK, "5 consumers run"), await app.PostAsync("/scale?consumers=5"));
        Assert.Equal(["sensor-consumer-1", "sensor-consumer-2", "sensor-consumer-3", "sensor-consumer-4", "sensor-consumer-5"], await app.RunningConsumersAsync());
        await app.PostAsync("/resources/sensor-consumer-1/kill");
        await app.UntilAsync("sensor-consumer-1", body => body["state"]!.GetValue<string>() == "Finished");
        Assert.Equal((HttpStatusCode.OK, "2 consumers run"), await app.PostAsync("/scale?consumers=2&by=test"));
        Assert.Equal(["sensor-consumer-1", "sensor-consumer-2"], await app.RunningConsumersAsync());

        var exits = (await app.GetAsync("/exits")).AsArray().Select(exit => (exit!["resource"]!.GetValue<string>(), exit["cause"]!.GetValue<string>(), exit["by"]!.GetValue<string>())).Order();
        Assert.Equal(
            [("sensor-consumer-1", "killed", "control"), ("sensor-consumer-3", "stopped", "test"), ("sensor-consumer-4", "stopped", "test"), ("sensor-consumer-5", "stopped", "test")], exits);
    }

    [Theory]
    [InlineData("/scale?consumers=0", "consumers=0 is not allowed: a whole number from 1 to 5 (Factory:MaxConsumers) is")]
    [InlineData("/scale?consumers=6", "consumers=6 is not allowed: a whole number from 1 to 5 (Factory:MaxConsumers) is")]
    [InlineData("/scale?consumers=abc", "consumers=abc is not allowed: a whole number from 1 to 5 (Factory:MaxConsumers) is")]
    [InlineData("/poison", "count= is not allowed: a whole number from 1 to 10000 is")]
    [InlineData("/load?readingsPerSecond=30000&seconds=1", "readingsPerSecond=30000 is not allowed: a whole number from 1 to 20000 is")]
    [InlineData("/load?readingsPerSecond=10", "seconds= is not allowed: a whole number from 1 to 600 is")]
    public async Task What_is_asked_for_wrongly_is_refused_in_one_line(string path, string line)
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 1);

        Assert.Equal((HttpStatusCode.BadRequest, line), await app.PostAsync(path));
    }

    [Fact]
    public async Task The_embedded_broker_has_no_link_that_could_be_cut()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 1);

        Assert.Equal(
            (HttpStatusCode.Conflict, "the embedded broker has no listener for a link: run the brokers as processes or containers (Factory:Kafka)"),
            await app.PostAsync("/link/kafka?action=cut"));
    }

    [Fact]
    public void Readings_of_a_load_are_well_formed_and_of_thirty_sensors()
    {
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
        var readings = Enumerable.Range(0, 300).Select(number => JsonDocument.Parse(LoadBurst.Reading(number, now)).RootElement).ToArray();

        Assert.Equal(30, readings.Select(reading => (reading.GetProperty("sensor_id").GetString(), reading.GetProperty("sensor_type").GetString())).Distinct().Count());
        Assert.Equal("load-sensor-001", readings[0].GetProperty("sensor_id").GetString());
        Assert.All(readings, reading => Assert.Equal("2026-01-02T03:04:05.678000Z", reading.GetProperty("timestamp").GetString()));
    }
}
