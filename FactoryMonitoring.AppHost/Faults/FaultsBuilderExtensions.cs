using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Adds fault injection and load.</summary>
internal static class FaultsBuilderExtensions
{
    /// <summary>Adds the faults of the control endpoint and, if faults are enabled, the commands of every resource added so far.</summary>
    public static IDistributedApplicationBuilder AddFaults(
        this IDistributedApplicationBuilder builder, FactorySetup setup, KafkaClusterResource kafka, KafkaNames names)
    {
        var services = builder.Services;
        services.AddSingleton(kafka);
        services.AddSingleton(names);
        services.AddSingleton<ConsumerScale>();
        services.AddSingleton<RollingRestart>();
        services.AddSingleton<PoisonMessages>();
        services.AddSingleton<LoadBurst>();
        services.AddSingleton<Links>();
        if (!setup.Settings.Faults) return builder;
        services.AddHostedService<UndoOnStop>();
        foreach (var resource in builder.Resources.Where(resource => resource.CanPause())) builder.CreateResourceBuilder(resource).WithPause();
        return builder;
    }
}
