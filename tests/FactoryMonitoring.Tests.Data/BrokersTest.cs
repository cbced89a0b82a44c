namespace FactoryMonitoring.Tests.Data;

/// <summary>A database test with separate embedded brokers.</summary>
public abstract class BrokersTest(PostgresFixture postgres) : DatabaseTest(postgres)
{
    protected EmbeddedBrokers Brokers { get; } = new();

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await Brokers.StartAsync(Timeout);
    }

    public override async Task DisposeAsync()
    {
        await Brokers.DisposeAsync();
        await base.DisposeAsync();
    }
}
