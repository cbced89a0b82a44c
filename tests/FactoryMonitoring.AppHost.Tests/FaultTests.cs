using System.Net;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using System.Text.Json;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Faults;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class FaultTests
{
    [Fact]
    public async Task Where_faults_are_off_each_is_refused_in_one_line_that_names_the_setting()
    {
        await using var app = await FaultsApp.StartAsync(faults: false, consumers: 1);
        ControlCommand[] commands =
        [
            new ResourceCommand("sensor-consumer-1", ResourceAction.Pause), new ResourceCommand("sensor-consumer-1", ResourceAction.Resume), new ScaleCommand(2), new PoisonCommand(1),
            new LoadCommand(1, 1), new RollingRestartCommand(), new LinkCommand(FactoryLink.Database, LinkAction.Cut),
        ];

        foreach (var command in commands)
        {
            Assert.Equal(
                (HttpStatusCode.Forbidden, "Factory:Faults is false: faults are off; set it to true to allow them (never in Production)"),
                await app.SendAsync(command));
        }

        Assert.Equal(["sensor-consumer-1"], await app.RunningConsumersAsync());
        Assert.Equal(["start", "stop", "restart", "kill"], (await app.ResourceAsync("sensor-consumer-1"))["actions"]!.AsArray().Select(action => action!.GetValue<string>()));
        Assert.False((await app.GetAsync("/faults"))["enabled"]!.GetValue<bool>());
        Assert.Equal((HttpStatusCode.OK, "sensor-consumer-1: killed"), await app.SendAsync("sensor-consumer-1", ResourceAction.Kill));
    }

    [Fact]
    public async Task A_paused_process_and_its_children_stand_still_until_they_are_resumed()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 1);
        var parent = (await app.ResourceAsync("family"))["pid"]!.GetValue<int>();
        await app.UntilAsync(() => ProcessTree.Descendants(parent).Count == 2);
        int[] family = [parent, .. ProcessTree.Descendants(parent)];

        Assert.Equal((HttpStatusCode.OK, "family: paused"), await app.SendAsync("family", ResourceAction.Pause));
        // A signal is sent at once, but the process reacts a little later.
        await app.UntilAsync(() => family.All(ProcessTree.IsStopped));
        Assert.True((await app.ResourceAsync("family"))["paused"]!.GetValue<bool>());
        Assert.False((await app.ResourceAsync("sensor-consumer-1"))["paused"]!.GetValue<bool>());

        Assert.Equal((HttpStatusCode.OK, "family: resumed"), await app.SendAsync("family", ResourceAction.Resume));
        await app.UntilAsync(() => !family.Any(ProcessTree.IsStopped));
        Assert.False((await app.ResourceAsync("family"))["paused"]!.GetValue<bool>());
    }

    [Fact]
    public async Task What_is_paused_can_be_killed_and_does_not_keep_the_factory_from_stopping()
    {
        var app = await FaultsApp.StartAsync(faults: true, consumers: 2);
        await using (app)
        {
            await app.SendAsync("sensor-consumer-1", ResourceAction.Pause);
            Assert.Equal((HttpStatusCode.OK, "sensor-consumer-1: killed"), await app.SendAsync("sensor-consumer-1", ResourceAction.Kill));
            // Aspire itself reports -1.
            await app.UntilAsync(
                "sensor-consumer-1", body => body["state"]!.GetValue<string>() == "Finished" && !body["paused"]!.GetValue<bool>() && body["exit_code"]?.GetValue<int>() == 137);
            await app.SendAsync("sensor-consumer-2", ResourceAction.Pause);
            await app.SendAsync("family", ResourceAction.Pause);
        }

        // The process received the signal: a paused process would not react and would have to be killed.
        Assert.Equal("SIGTERM", app.LastWord);
    }

    [Fact]
    public async Task Exactly_as_many_consumers_run_as_are_asked_for()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 3);

        Assert.Equal((HttpStatusCode.OK, "5 consumers run"), await app.SendAsync(new ScaleCommand(5)));
        Assert.Equal(["sensor-consumer-1", "sensor-consumer-2", "sensor-consumer-3", "sensor-consumer-4", "sensor-consumer-5"], await app.RunningConsumersAsync());
        await app.SendAsync("sensor-consumer-1", ResourceAction.Kill);
        await app.UntilAsync("sensor-consumer-1", body => body["state"]!.GetValue<string>() == "Finished");
        Assert.Equal((HttpStatusCode.OK, "2 consumers run"), await app.SendAsync(new ScaleCommand(2) { By = "test" }));
        Assert.Equal(["sensor-consumer-1", "sensor-consumer-2"], await app.RunningConsumersAsync());

        var exits = (await app.GetAsync("/exits")).AsArray().Select(exit => (exit!["resource"]!.GetValue<string>(), exit["cause"]!.GetValue<string>(), exit["by"]!.GetValue<string>())).Order();
        Assert.Equal(
            [("sensor-consumer-1", "killed", "control"), ("sensor-consumer-3", "stopped", "test"), ("sensor-consumer-4", "stopped", "test"), ("sensor-consumer-5", "stopped", "test")], exits);
    }

    [Fact]
    public async Task A_consumer_that_is_being_stopped_is_started_again_and_one_that_is_paused_does_not_count()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 3, consumer: "trap 'sleep 2; kill $!; exit' TERM; sleep 600 & wait");
        var stop = app.SendAsync("sensor-consumer-1", ResourceAction.Stop);
        await app.UntilAsync("sensor-consumer-1", body => body["state"]!.GetValue<string>() == "Stopping");

        Assert.Equal((HttpStatusCode.OK, "3 consumers run"), await app.SendAsync(new ScaleCommand(3)));
        Assert.Equal(["sensor-consumer-1", "sensor-consumer-2", "sensor-consumer-3"], await app.RunningConsumersAsync());
        Assert.Equal((HttpStatusCode.OK, "sensor-consumer-1: stopped"), await stop);
        await app.SendAsync("sensor-consumer-2", ResourceAction.Pause);
        Assert.Equal((HttpStatusCode.Conflict, "sensor-consumer-2 is paused: resume it first"), await app.SendAsync(new ScaleCommand(3)));
    }

    [Fact]
    public async Task A_command_without_effect_is_refused_and_explains_no_later_end()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 1, configure: builder => builder
            .AddResource(new Stubborn("stubborn"))
            .WithInitialState(new CustomResourceSnapshot { ResourceType = "Test", Properties = [], State = KnownResourceStates.Running })
            .WithCommand(KnownResourceCommands.StopCommand, "Stop", _ => Task.FromResult(CommandResults.Success()))
            .WithKill((_, _) => throw new TaskCanceledException("no answer")));
        await app.UntilAsync("stubborn", body => body["state"]?.GetValue<string>() == "Running");

        Assert.Equal((HttpStatusCode.Conflict, "stubborn could not be stopped: it still runs after 15 s"), await app.SendAsync("stubborn", ResourceAction.Stop));
        Assert.Equal(HttpStatusCode.Conflict, (await app.SendAsync("stubborn", ResourceAction.Kill)).Status);

        Assert.Equal(ExitCause.Died, app.Exits.Record("stubborn", DateTimeOffset.UtcNow, 1, 1).Cause);
    }

    [Fact]
    public async Task What_is_asked_for_wrongly_is_refused_in_one_line()
    {
        const string Kinds = "resource, scale, poison, load, send, link, rolling-restart";
        (string Command, string Line)[] wrong =
        [
            ("""{"command":"scale","consumers":0}""", "consumers = 0: must be an integer between 1 and 5 (Factory:MaxConsumers)"),
            ("""{"command":"scale","consumers":"6"}""", "consumers = 6: must be an integer between 1 and 5 (Factory:MaxConsumers)"),
            ("""{"command":"scale","consumers":"abc"}""", "consumers = abc: must be an integer"),
            ("""{"command":"scale","consumers":2.5}""", "consumers = 2.5: must be an integer"),
            ("""{"command":"poison"}""", "count is missing: must be an integer"),
            ("""{"command":"load","readings_per_second":30000,"seconds":1}""", "readings_per_second = 30000: must be an integer between 1 and 20000"),
            ("""{"command":"load","readings_per_second":10}""", "seconds is missing: must be an integer"),
            ("""{"command":"link","link":"database","action":"slow","delay_ms":10001}""", "delay_ms = 10001: must be an integer between 1 and 10000"),
            ("""{"command":"link","link":"moon","action":"cut"}""", "link = moon: must be one of database, kafka"),
            ("""{"command":"resource","name":"family","action":"tickle"}""", "action = tickle: must be one of start, stop, restart, kill, pause, resume for a resource, cut, slow, restore for a link"),
            ("""{"command":"tickle"}""", $"command = tickle: must be one of {Kinds}"),
            ("""{"consumers":2}""", $"command is missing: must be one of {Kinds}"),
            ("""{"command":"scale","consumers":2,"count":3}""", "count is not part of this command"),
            ("""{"command":"send","sensor_id":"my-1","sensor_type":"temperature","value":"warm"}""", "value = warm: must be a finite number"),
            ("""{"command":"send","sensor_id":"my-1","sensor_type":"temperature"}""", "value is missing: must be a finite number"),
            ("""{"command":"send","sensor_id":"","sensor_type":"temperature","value":"21.5"}""", "sensor_id (SENSOR) is empty: must have 1 to 255 characters"),
            ("""{"command":"send","sensor_id":"my-1","sensor_type":"flow","value":"21.5"}""",
                "unit (UNIT) is missing: flow has none of its own, as energy, humidity, pressure, temperature, vibration have"),
            ("[]", "a command is a JSON object"),
            ("", "a command is a JSON object"),
        ];
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 1);

        foreach (var (command, line) in wrong) Assert.Equal((command, HttpStatusCode.BadRequest, line), await Answer(command));
        Assert.Equal(["sensor-consumer-1"], await app.RunningConsumersAsync());

        async Task<(string, HttpStatusCode, string)> Answer(string command) => await app.SendAsync(command) is var (status, message) ? (command, status, message) : default;
    }

    [Fact]
    public async Task What_is_not_there_is_told_with_what_is()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 1);

        Assert.Equal(
            (HttpStatusCode.NotFound, "there is no kafka9: must be one of sensor-consumer-1, sensor-consumer-2, sensor-consumer-3, sensor-consumer-4, sensor-consumer-5, family"),
            await app.SendAsync("kafka9", ResourceAction.Kill));
    }

    [Fact]
    public async Task The_embedded_broker_has_no_link_that_could_be_cut()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 1);

        Assert.Equal(
            (HttpStatusCode.Conflict, "the embedded broker has no listener for a link: run the brokers as processes or containers (Factory:Kafka)"),
            await app.SendAsync(new LinkCommand(FactoryLink.Kafka, LinkAction.Cut)));
    }

    [Fact]
    public async Task A_log_that_cannot_be_written_ends_nothing()
    {
        await using var app = await FaultsApp.StartAsync(faults: true, consumers: 1, prepare: directory =>
        {
            var logs = Directory.CreateDirectory(Path.Combine(directory, "logs"));
            // Accepts no writes: no space left on device.
            File.CreateSymbolicLink(Path.Combine(logs.FullName, "family.log"), "/dev/full");
            // This file cannot be opened either.
            logs.CreateSubdirectory($"{ResourceNames.Consumer(1)}.log");
        });
        await app.SendAsync("family", ResourceAction.Restart);
        await app.UntilAsync("family", resource => resource["state"]?.GetValue<string>() == "Running");

        Assert.Equal([ResourceNames.Consumer(1)], await app.RunningConsumersAsync());
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

    private sealed class Stubborn(string name) : Resource(name);
}
