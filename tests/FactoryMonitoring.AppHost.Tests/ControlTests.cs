using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class ControlTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    [Fact]
    public void A_kill_is_known_by_who_did_it_and_when()
    {
        var exits = new ExitLog(_time);
        var killed = _time.GetUtcNow();
        exits.Announce("sensor-consumer-1", ExitCause.Killed, "make");
        exits.Announce("sensor-consumer-1", ExitCause.Killed, by: null);
        _time.Advance(TimeSpan.FromSeconds(2));

        var exit = exits.Record("sensor-consumer-1", _time.GetUtcNow(), 137, 4711);

        Assert.Equal(new ResourceExit(1, "sensor-consumer-1", killed, 137, ExitCause.Killed, "make", 4711), exit);
        Assert.Equal([exit], exits.All());
    }

    [Theory]
    [InlineData(0, ExitCause.Finished)]
    [InlineData(1, ExitCause.Died)]
    [InlineData(137, ExitCause.Died)]
    [InlineData(null, ExitCause.Died)]
    public void An_end_nobody_announced_is_told_from_its_exit_code(int? exitCode, object cause)
    {
        var exit = new ExitLog(_time).Record("provisioner", _time.GetUtcNow(), exitCode, 1);

        Assert.Equal(new ResourceExit(1, "provisioner", _time.GetUtcNow(), exitCode, (ExitCause)cause, null, 1), exit);
    }

    [Fact]
    public void An_announcement_that_nothing_followed_is_forgotten()
    {
        var exits = new ExitLog(_time);
        exits.Announce("kafka1", ExitCause.Killed, "make");
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Null(exits.PendingKill("kafka1"));
        Assert.Equal(ExitCause.Died, exits.Record("kafka1", _time.GetUtcNow(), 1, 1).Cause);
    }

    [Fact]
    public void A_command_that_failed_explains_no_end_and_takes_nothing_from_the_one_before()
    {
        var exits = new ExitLog(_time);
        exits.Announce("kafka1", ExitCause.Killed, "make");
        exits.Withdraw(exits.Announce("kafka1", ExitCause.Stopped, "the page"));
        var killed = exits.Record("kafka1", _time.GetUtcNow(), 137, 1);
        var first = exits.Announce("kafka1", ExitCause.Killed, "make");
        exits.Withdraw(exits.Announce("kafka1", ExitCause.Killed, by: null));
        exits.Withdraw(first);

        Assert.Equal((ExitCause.Killed, "make"), (killed.Cause, killed.By));
        Assert.Null(exits.PendingKill("kafka1"));
        Assert.Equal(ExitCause.Died, exits.Record("kafka1", _time.GetUtcNow(), 1, 2).Cause);
    }

    [Fact]
    public async Task A_command_that_throws_explains_no_end_and_takes_nothing_from_a_later_one()
    {
        var exits = new ExitLog(_time);

        await Assert.ThrowsAsync<TaskCanceledException>(() => exits.AnnounceAsync("kafka1", ExitCause.Stopped, "make", () =>
        {
            exits.Announce("kafka1", ExitCause.Killed, "the page");
            throw new TaskCanceledException();
        }));

        Assert.Equal((ExitCause.Killed, "the page"), exits.Record("kafka1", _time.GetUtcNow(), -1, 1) is var exit ? (exit.Cause, exit.By) : default);
        Assert.False(exits.IsAnnounced("kafka1"));
    }

    [Fact]
    public void One_announcement_explains_one_end()
    {
        var exits = new ExitLog(_time);
        exits.Announce("kafka1", ExitCause.Stopped, "make");

        Assert.Equal(
            [ExitCause.Stopped, ExitCause.Died],
            [exits.Record("kafka1", _time.GetUtcNow(), 143, 1).Cause, exits.Record("kafka1", _time.GetUtcNow(), 143, 2).Cause]);
    }

    [Fact]
    public async Task Who_watches_sees_what_was_and_what_comes()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var exits = new ExitLog(_time);
        exits.Record("first", _time.GetUtcNow(), 0, 1);
        await using var watch = exits.WatchAsync(limit.Token).GetAsyncEnumerator(limit.Token);

        Assert.True(await watch.MoveNextAsync());
        Assert.Equal("first", watch.Current.Resource);
        var next = watch.MoveNextAsync();
        exits.Record("second", _time.GetUtcNow(), 0, 2);
        Assert.True(await next);
        Assert.Equal((2L, "second"), (watch.Current.Id, watch.Current.Resource));
    }

    [Fact]
    public void The_process_that_works_is_the_last_descendant()
    {
        (int, int)[] processes = [(1, 0), (10, 1), (11, 10), (12, 11), (13, 11), (20, 1)];

        Assert.Equal(13, ProcessTree.YoungestDescendant(10, processes));
        Assert.Equal(20, ProcessTree.YoungestDescendant(20, processes));
    }

    [Fact]
    public void A_familys_parents_come_before_their_children()
    {
        (int, int)[] processes = [(1, 0), (10, 1), (11, 10), (12, 11), (13, 11), (20, 1)];

        Assert.Equal([11, 12, 13], ProcessTree.Descendants(10, processes));
        Assert.Empty(ProcessTree.Descendants(20, processes));
    }

    [Fact]
    public void A_factory_with_a_replay_in_the_place_of_a_sensor_is_not_ready()
    {
        ProducerHealthBody Producer(string name, string status = Statuses.Active) => new(name, "", status, _time.GetUtcNow(), 1, 1);
        ConsumerHealthBody Consumer(string name, string status = Statuses.Active) => new(name, status, [], _time.GetUtcNow(), 1, 1);
        ProducerHealthBody[] four = [.. SensorCatalog.Types.Values.Skip(1).Select(type => Producer(ResourceNames.Sensor(type.Name)))];
        var first = ResourceNames.Sensor(SensorCatalog.Types.Values.First().Name);

        Assert.Equal((4, 1), ReadyAnnouncer.Active(
            [.. four, Producer(ResourceNames.ReplaySensor), Producer("make-replay"), Producer(first, Statuses.Inactive)],
            [Consumer(ResourceNames.Consumer(1)), Consumer(ResourceNames.Consumer(2), Statuses.Inactive), Consumer(ResourceNames.Consumer(7))],
            maxConsumers: 6));
        Assert.Equal((5, 0), ReadyAnnouncer.Active([.. four, Producer(first)], [], maxConsumers: 6));
    }

    [Fact]
    public void What_a_second_terminal_needs_is_flat_and_for_its_owner_alone()
    {
        using var directory = new TemporaryDirectory();
        var stack = new StackFile(
            "http://127.0.0.1:1", "secret", 7, _time.GetUtcNow(), "embedded", "a \"reason\", with commas", "b:1,b:2", "w", "a", "l", "h", 5432, "u", "p", "s", "d", "/d", "/psql", "", "", "/logs");

        stack.Write(directory.Path);

        var file = Path.Combine(directory.Path, "stack.json");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var lines = File.ReadAllLines(file);
        Assert.Contains("  \"url\": \"http://127.0.0.1:1\",", lines);
        Assert.Contains("  \"pid\": 7,", lines);
        Assert.Contains("  \"fault_lab\": \"l\",", lines);
        Assert.Contains("  \"kafka_brokers\": \"b:1,b:2\",", lines);
        Assert.Contains("  \"postgres_password\": \"p\",", lines);
        StackFile.Remove(directory.Path);
        Assert.False(File.Exists(file));
    }
}
