using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Tests.Data;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FactoryMonitoring.AppHost.Tests;

public sealed class ExitRecorderTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly FirstLine _refused = new();

    [Fact]
    public async Task The_ends_of_processes_are_kept_once_each_also_those_of_before_the_tables_were_there()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using var database = await postgres.CreateDatabaseAsync();
        await database.ScalarAsync<object>("ALTER TABLE component_exits RENAME TO not_there_yet", limit.Token);
        var exits = new ExitLog(new FakeTimeProvider(At));
        exits.Announce("sensor-consumer-2", ExitCause.Killed, "make");
        var killed = exits.Record("sensor-consumer-2", At, 137, 77);
        using var recorder = new ExitRecorder(exits, _ => ValueTask.FromResult<string?>(database.ConnectionString), TimeProvider.System, _refused);
        await recorder.StartingAsync(limit.Token);

        await _refused.First.WaitAsync(limit.Token);
        await database.ScalarAsync<object>("ALTER TABLE not_there_yet RENAME TO component_exits", limit.Token);
        await UntilAsync(1);
        var died = exits.Record("kafka2", At.AddSeconds(3), 1, null);
        await UntilAsync(2);
        await recorder.StoppedAsync(limit.Token);

        Assert.Equal(
            [["sensor-consumer-2", killed.At.UtcDateTime, 137, "killed", "make"], ["kafka2", died.At.UtcDateTime, 1, "died", null]],
            await database.RowsAsync("SELECT component_id, at, exit_code, cause, asked_by FROM component_exits ORDER BY component_id DESC", limit.Token));

        async Task UntilAsync(long rows)
        {
            using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            while (await database.ScalarAsync<long>("SELECT count(*) FROM component_exits", limit.Token) < rows) await poll.WaitForNextTickAsync(limit.Token);
        }
    }

    /// <summary>Waits for the first line of a log.</summary>
    private sealed class FirstLine : ILogger<ExitRecorder>
    {
        private readonly TaskCompletionSource _first = new();

        public Task First => _first.Task;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _first.TrySetResult();
    }
}
