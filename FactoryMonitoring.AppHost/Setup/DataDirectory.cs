using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>Where a server that is a process of this machine keeps its data.</summary>
internal sealed record DataDirectoryAnnotation(string Path) : IResourceAnnotation;

internal static class DataDirectory
{
    public static IResourceBuilder<T> WithDataDirectory<T>(this IResourceBuilder<T> builder, string path) where T : IResource =>
        builder.WithAnnotation(new DataDirectoryAnnotation(path));

    /// <summary>Lets a service see how much room the servers of the model have left: <c>Disks:NAME</c> is the directory of NAME.</summary>
    public static IResourceBuilder<T> WithDisks<T>(this IResourceBuilder<T> builder) where T : IResourceWithEnvironment
    {
        foreach (var resource in builder.ApplicationBuilder.Resources)
            if (resource.TryGetLastAnnotation<DataDirectoryAnnotation>(out var data)) builder.WithEnvironment($"Disks__{resource.Name}", data.Path);
        return builder;
    }

    /// <summary>What is wrong with the disk of the resource; null where it has room, or where nothing is known of it.</summary>
    public static string? DiskProblem(this IResource resource) =>
        resource.TryGetLastAnnotation<DataDirectoryAnnotation>(out var data) && DiskSpace.Free(data.Path) is { } free and < DiskSpace.Least
            ? DiskSpace.Describe(free, $"the disk of {data.Path}")
            : null;
}
