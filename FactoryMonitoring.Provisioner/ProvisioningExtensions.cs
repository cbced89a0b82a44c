using FactoryMonitoring.Contracts;
using FactoryMonitoring.Provisioner.Topics;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Provisioner;

internal static class ProvisioningExtensions
{
    public static IServiceCollection AddProvisioning(this IServiceCollection services)
    {
        services.AddOptions<ProvisionerOptions>()
            .BindConfiguration(ProvisionerOptions.Section)
            .Configure<IConfiguration>((options, configuration) =>
            {
                options.SensorTopic = configuration[EnvironmentNames.SensorTopic] ?? options.SensorTopic;
                options.AlertTopic = configuration[EnvironmentNames.AlertTopic] ?? options.AlertTopic;
            })
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<ProvisionerOptions>, ProvisionerOptionsValidator>();
        services.AddSingleton<Patience>();
        services.AddSingleton<TopicProvisioner>();
        services.AddSingleton<ProvisioningRun>();
        return services;
    }
}
