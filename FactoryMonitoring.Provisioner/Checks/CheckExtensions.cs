using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Provisioner.Checks;

internal static class CheckExtensions
{
    /// <summary>Adds the checks of the brokers and the database that are configured.</summary>
    public static void AddChecks(this HostApplicationBuilder builder)
    {
        // The findings are the only output.
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
