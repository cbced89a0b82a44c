using System.Reflection;
using System.Runtime.InteropServices;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using static System.FormattableString;

namespace FactoryMonitoring.AppHost.Services;

internal static class ProjectBuilderExtensions
{
    // For example bin/Debug/net10.0: the services are built alongside the AppHost, in the same configuration.
    private static readonly string OutputPath = typeof(ProjectBuilderExtensions).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().First(metadata => metadata.Key == "OutputPath").Value!;

    // The root of the runtime that runs the AppHost, which lies below it in shared/Microsoft.NETCore.App/10.0.0.
    private static readonly string DotnetRoot = Path.GetFullPath("../../..", RuntimeEnvironment.GetRuntimeDirectory());

    /// <summary>Applies what every service of the factory needs.</summary>
    public static IResourceBuilder<ProjectResource> WithServiceDefaults(this IResourceBuilder<ProjectResource> builder) => builder
        .WithBuiltProgram()
        .WithQuickStartup()
        .WithoutSecretsOfTheAppHost()
        .WithEnvironment(EnvironmentNames.AppHostProcess, Invariant($"{Environment.ProcessId}"))
        // Names by which other machines ask for the page. A service without a value answers to loopback's names, by which the factory asks for it.
        .WithEnvironment(SettingsBuilderExtensions.AllowedHosts, "")
        // One line per event, as the services log when they run alone; Aspire's default takes two.
        .WithEnvironment("LOGGING__CONSOLE__FORMATTERNAME", "factory")
        // No service has a TLS endpoint; without this call Aspire still asks for a developer certificate, in a red banner.
        .WithoutHttpsCertificate()
        .WithKill();

    // Services inherit the environment of the AppHost. It has already put these secrets into the connection strings.
    private static IResourceBuilder<ProjectResource> WithoutSecretsOfTheAppHost(this IResourceBuilder<ProjectResource> builder)
    {
        foreach (var (key, file) in SecretFiles.Settings)
        {
            if (key.StartsWith("DATABASE_", StringComparison.Ordinal)) builder.WithEnvironment(key, "").WithEnvironment(file, "");
        }

        return builder.WithEnvironment(SecretFiles.FileOf($"ConnectionStrings__{ResourceNames.Database}"), "");
    }

    /// <summary>
    /// Starts the service's own program, which the build of the AppHost has built, instead of <c>dotnet run</c>, which costs half a second of CPU time and 60
    /// MB for each service and stands between a signal and the service. Changes nothing if the program is missing or if an IDE starts the services.
    /// </summary>
    private static IResourceBuilder<ProjectResource> WithBuiltProgram(this IResourceBuilder<ProjectResource> builder)
    {
        var project = builder.Resource.GetProjectMetadata().ProjectPath;
        var directory = Path.GetDirectoryName(project)!;
        var program = Path.Combine(directory, OutputPath, Path.GetFileNameWithoutExtension(project) + (OperatingSystem.IsWindows() ? ".exe" : ""));
        return File.Exists(program)
            ? builder.WithAnnotation(new ExecutableAnnotation { Command = program, WorkingDirectory = directory }).WithEnvironment("DOTNET_ROOT", DotnetRoot)
            // Compile servers that outlive the build would look like leftovers of this run.
            : builder.WithEnvironment("MSBUILDDISABLENODEREUSE", "1").WithEnvironment("UseSharedCompilation", "false");
    }

    /// <summary>
    /// A dozen .NET processes start at once on one machine, in most cases on a few cores: these settings make each compile less, at a lower cost. Measured with
    /// Monitoring.Web on two cores: 1.6 s of CPU time until it has served its first page instead of 2.4 s. In addition, the C library keeps two heaps per
    /// process instead of eight per core. Settings in the AppHost's environment take precedence.
    /// </summary>
    private static IResourceBuilder<ProjectResource> WithQuickStartup(this IResourceBuilder<ProjectResource> builder)
    {
        (string Name, string Value)[] settings =
            [("DOTNET_TieredPGO", "0"), ("DOTNET_EnableWriteXorExecute", "0"), ("DOTNET_TC_CallCountThreshold", "400"), ("MALLOC_ARENA_MAX", "2")];
        foreach (var (name, value) in settings) builder.WithEnvironment(name, builder.ApplicationBuilder.Configuration[name] ?? value);
        return builder;
    }
}
