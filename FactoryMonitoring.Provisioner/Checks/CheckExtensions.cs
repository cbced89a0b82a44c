using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Provisioner.Checks;

internal static class CheckExtensions
{
    /// <summary>Adds what looks at brokers and database: at those that are set.</summary>
    public static void AddChecks(this HostApplicationBuilder builder)
    {
        // The findings are the output.
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<CheckCommand>();
        if (builder.Configuration.GetConnectionString(ResourceNames.Kafka) is { Length: > 0 })
        {
            builder.AddFactoryKafka();
            builder.Services.AddSingleton<ClusterCheck>();
        }

        if ((builder.Configuration.GetConnectionString(ResourceNames.Database) ?? builder.Configuration[EnvironmentNames.DatabaseUrl]) is { Length: > 0 })
        {
            builder.AddFactoryDatabase();
            builder.Services.AddSingleton<DatabaseCheck>();
        }
    }
}
