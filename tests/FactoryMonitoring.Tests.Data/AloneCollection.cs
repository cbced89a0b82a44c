namespace FactoryMonitoring.Tests.Data;

/// <summary>Tests that measure the process itself: they run when all others of the project are done, one after the other.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection : ICollectionFixture<PostgresFixture>
{
    public const string Name = "Alone";
}
