using System.Reflection;
using System.Runtime.InteropServices;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Services;

internal static class ProjectBuilderExtensions
{
    // bin/Debug/net10.0, say: the services are built beside the AppHost, in the same configuration.
    private static readonly string OutputPath = typeof(ProjectBuilderExtensions).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().First(metadata => metadata.Key == "OutputPath").Value!;

    // Of the runtime that runs the AppHost: shared/Microsoft.NETCore.App/10.0.0 below it.
    private static readonly string DotnetRoot = Path.GetFullPath("../../..", RuntimeEnvironment.GetRuntimeDirectory());

    /// <summary>What every service of the factory gets.</summary>
    public static IResourceBuilder<ProjectResource> WithServiceDefaults(this IResourceBuilder<ProjectResource> builder) => builder
        .WithBuiltProgram()
        .WithQuickStartup()
        .WithoutSecretsOfTheAppHost()
        // One line for each event, as the services log by themselves; Aspire's own default takes two.
        .WithEnvironment("LOGGING__CONSOLE__FORMATTERNAME", "factory")
        // No service has a TLS endpoint; without this Aspire asks for a developer certificate all the same, in a red banner.
        .WithoutHttpsCertificate()
        .WithKill();

    // What the AppHost was started with is in the environment of what it starts, and these it has put into the connection strings.
    private static IResourceBuilder<ProjectResource> WithoutSecretsOfTheAppHost(this IResourceBuilder<ProjectResource> builder)
    {
        foreach (var (key, file) in SecretFiles.Settings)
        {
            if (key.StartsWith("DATABASE_", StringComparison.Ordinal)) builder.WithEnvironment(key, "").WithEnvironment(file, "");
        }

        return builder.WithEnvironment(SecretFiles.FileOf($"ConnectionStrings__{ResourceNames.Database}"), "");
    }

    /// <summary>
    /// Starts the service's own program, which the build of the AppHost has made, in place of <c>dotnet run</c>: that costs half a second of CPU and 60 MB
    /// for each service and stands between a signal and the service. Where the program is missing, and where an IDE starts the services, nothing changes.
    /// </summary>
    private static IResourceBuilder<ProjectResource> WithBuiltProgram(this IResourceBuilder<ProjectResource> builder)
    {
        var project = builder.Resource.GetProjectMetadata().ProjectPath;
        var directory = Path.GetDirectoryName(project)!;
        var program = Path.Combine(directory, OutputPath, Path.GetFileNameWithoutExtension(project) + (OperatingSystem.IsWindows() ? ".exe" : ""));
        return File.Exists(program)
            ? builder.WithAnnotation(new ExecutableAnnotation { Command = program, WorkingDirectory = directory }).WithEnvironment("DOTNET_ROOT", DotnetRoot)
            : builder;
    }

    /// <summary>
    /// A dozen .NET processes start at once on one machine, most of them on a few cores: each compiles less, and what it compiles costs less.
    /// Measured with Monitoring.Web on two cores: 1.6 s of CPU until it has served its first page instead of 2.4 s. And the C library keeps
    /// two heaps a process instead of eight a core. Settings of the environment the AppHost runs in win.
    /// </summary>
    private static IResourceBuilder<ProjectResource> WithQuickStartup(this IResourceBuilder<ProjectResource> builder)
    {
        (string Name, string Value)[] settings =
            [("DOTNET_TieredPGO", "0"), ("DOTNET_EnableWriteXorExecute", "0"), ("DOTNET_TC_CallCountThreshold", "400"), ("MALLOC_ARENA_MAX", "2")];
        foreach (var (name, value) in settings) builder.WithEnvironment(name, builder.ApplicationBuilder.Configuration[name] ?? value);
        return builder;
    }
}
