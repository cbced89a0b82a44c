using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.ServiceDefaults.Settings;

/// <summary>Settings that are read while the service is built; errors in them are reported when it starts.</summary>
internal sealed class SettingChecks
{
}

internal static class SettingCheckExtensions
{
    /// <param name="services">The service's collection.</param>
    /// <param name="failure">The error, with key, value and what is allowed; null if there is none.</param>
    public static void AddSettingCheck(this IServiceCollection services, string? failure)
    {
        if (failure is not null)
        {
            services.AddOptions<SettingChecks>().ValidateOnStart();
            services.AddSingleton<IValidateOptions<SettingChecks>>(new Failed(failure));
        }
    }

    private sealed class Failed(string failure) : IValidateOptions<SettingChecks>
    {
        public ValidateOptionsResult Validate(string? name, SettingChecks options) => ValidateOptionsResult.Fail(failure);
    }
}
