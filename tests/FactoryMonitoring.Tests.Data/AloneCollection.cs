namespace FactoryMonitoring.Tests.Data;

/// <summary>Tests that measure the process itself: they run one after the other, after all other tests of the project.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection : ICollectionFixture<PostgresFixture>
{
    public const string Name = "Alone";
}
