using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>The data directory of a server that is a process of this machine.</summary>
internal sealed record DataDirectoryAnnotation(string Path) : IResourceAnnotation;

internal static class DataDirectory
{
    public static IResourceBuilder<T> WithDataDirectory<T>(this IResourceBuilder<T> builder, string path) where T : IResource =>
        builder.WithAnnotation(new DataDirectoryAnnotation(path));

    /// <summary>Lets a service see how much disk space the servers of the model have left: <c>Disks:NAME</c> is the directory of NAME.</summary>
    public static IResourceBuilder<T> WithDisks<T>(this IResourceBuilder<T> builder) where T : IResourceWithEnvironment
    {
        foreach (var resource in builder.ApplicationBuilder.Resources)
            if (resource.TryGetLastAnnotation<DataDirectoryAnnotation>(out var data)) builder.WithEnvironment($"Disks__{resource.Name}", data.Path);
        return builder;
    }

    /// <summary>Returns what is wrong with the disk of the resource; null if it has space, or if its disk is unknown.</summary>
    public static string? DiskProblem(this IResource resource) =>
        resource.TryGetLastAnnotation<DataDirectoryAnnotation>(out var data) && DiskSpace.Free(data.Path) is { } free and < DiskSpace.Least
            ? DiskSpace.Describe(free, $"the disk of {data.Path}")
            : null;
}
