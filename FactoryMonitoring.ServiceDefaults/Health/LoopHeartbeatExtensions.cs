using FactoryMonitoring.ServiceDefaults.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

public static class LoopHeartbeatExtensions
{
    /// <summary>Registers a <see cref="LoopHeartbeat"/> under the key <paramref name="name"/>, and its check for /alive.</summary>
    public static IServiceCollection AddLoopHeartbeat(this IServiceCollection services, string name, TimeSpan maxSilence)
    {
        services.AddKeyedSingleton(name, (provider, _) => new LoopHeartbeat(maxSilence, provider.GetRequiredService<TimeProvider>()));
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            name,
            provider => provider.GetRequiredKeyedService<LoopHeartbeat>(name),
            failureStatus: null,
            tags: [LoopHeartbeat.LiveTag]));
        return services;
    }
}
