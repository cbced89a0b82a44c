using Npgsql;

namespace FactoryMonitoring.Tests.Data;

/// <summary>A test with an empty database of its own and one token that bounds all its waiting.</summary>
[Collection(PostgresCollection.Name)]
public abstract class DatabaseTest(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(2));

    protected PostgresFixture Postgres => postgres;

    protected TestDatabase Database { get; private set; } = null!;

    /// <summary>Cancelled when the test has taken two minutes.</summary>
    protected CancellationToken Timeout => _limit.Token;

    public virtual async Task InitializeAsync() => Database = await postgres.CreateDatabaseAsync();

    public virtual async Task DisposeAsync()
    {
        await Database.DisposeAsync();
        _limit.Dispose();
    }

    /// <summary>Asks until the answer is yes; the test fails at its limit.</summary>
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
            // A connection of the pool that a killed server left behind.
            return false;
        }
    }
}
