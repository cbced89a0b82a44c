using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.ServiceDefaults.Running;

/// <summary>
/// Describes in one line which setting is invalid, its value and what is allowed. Options types name their section in a constant
/// <c>Section</c>; a failure of a generated validator begins with the member's name and a colon.
/// </summary>
internal static class WrongSetting
{
    public static string Describe(IConfiguration configuration, OptionsValidationException exception)
    {
        var section = exception.OptionsType.GetField("Section", BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static)?.GetValue(null) as string;
        return string.Join("; ", exception.Failures.Select(failure => Describe(configuration, section, failure)));
    }

    private static string Describe(IConfiguration configuration, string? section, string failure)
    {
        var colon = failure.IndexOf(": ", StringComparison.Ordinal);
        if (section is null || colon <= 0 || failure.AsSpan(0, colon).Contains(' '))
        {
            return failure;
        }

        var key = $"{section}:{failure[..colon].Replace('.', ':')}";
        var value = configuration[key];
        return $"{key} = {(string.IsNullOrEmpty(value) ? "(not set)" : value)}: {failure[(colon + 2)..]}";
    }
}
