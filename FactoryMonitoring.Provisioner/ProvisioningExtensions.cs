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
                var names = KafkaNames.Of(name => configuration[name]);
                options.SensorTopic = names.SensorTopic;
                options.AlertTopic = names.AlertTopic;
            })
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<ProvisionerOptions>, ProvisionerOptionsValidator>();
        services.AddSingleton<Patience>();
        services.AddSingleton<TopicProvisioner>();
        return services;
    }
}
