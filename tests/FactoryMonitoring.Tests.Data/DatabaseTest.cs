using Npgsql;

namespace FactoryMonitoring.Tests.Data;

/// <summary>A test with a separate empty database and one token that limits all waiting.</summary>
[Collection(PostgresCollection.Name)]
public abstract class DatabaseTest(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(2));

    protected PostgresFixture Postgres => postgres;

    protected TestDatabase Database { get; private set; } = null!;

    /// <summary>Cancelled after two minutes.</summary>
    protected CancellationToken Timeout => _limit.Token;

    public virtual async Task InitializeAsync() => Database = await postgres.CreateDatabaseAsync();

    public virtual async Task DisposeAsync()
    {
        await Database.DisposeAsync();
        _limit.Dispose();
    }

    /// <summary>Repeats the condition until it is true; the test fails at its limit.</summary>
    protected Task EventuallyAsync(Func<Task<bool>> condition) => EventuallyAsync(condition, Timeout);

    internal static async Task EventuallyAsync(Func<Task<bool>> condition, CancellationToken limit)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await IsMetAsync(condition))
        {
            await timer.WaitForNextTickAsync(limit);
        }
    }

    private static async Task<bool> IsMetAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (NpgsqlException)
        {
            // The pool still had a connection to a killed server.
            return false;
        }
    }
}
