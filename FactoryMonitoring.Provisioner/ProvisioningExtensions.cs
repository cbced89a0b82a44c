using FactoryMonitoring.Contracts;
using FactoryMonitoring.Provisioner.Topics;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Provisioner;

internal static class ProvisioningExtensions
{
    private static readonly string[] PasswordNames =
        [EnvironmentNames.DatabaseIngestPassword, EnvironmentNames.DatabaseSensorPassword, EnvironmentNames.DatabaseMonitorPassword, EnvironmentNames.DatabaseAuditPassword];

    private static string?[] Passwords(IConfiguration configuration) => [.. PasswordNames.Select(name => configuration[name])];

    public static IServiceCollection AddProvisioning(this IServiceCollection services)
    {
        services.AddOptions<ProvisionerOptions>()
            .BindConfiguration(ProvisionerOptions.Section)
            .Configure<IConfiguration>((options, configuration) =>
            {
                var names = KafkaNames.Of(name => configuration[name]);
                options.SensorTopic = names.SensorTopic;
                options.AlertTopic = names.AlertTopic;
                var passwords = Passwords(configuration);
                if (passwords.All(password => password is { Length: > 0 }))
                {
                    options.RolePasswords = new(passwords[0]!, passwords[1]!, passwords[2]!, passwords[3]!);
                }
            })
            .Validate<IConfiguration>(
                (_, configuration) => Passwords(configuration).Select(password => password is { Length: > 0 }).Distinct().Count() == 1,
                $"{string.Join(", ", PasswordNames)}: set all of them or none")
            .Validate<IConfiguration>(
                (_, configuration) => Passwords(configuration).All(password => password is null || password.All(char.IsAscii)),
                $"{string.Join(", ", PasswordNames)} must be ASCII characters")
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<ProvisionerOptions>, ProvisionerOptionsValidator>();
        services.AddSingleton<Patience>();
        services.AddSingleton<TopicProvisioner>();
        return services;
    }
}
