using FactoryMonitoring.Benchmarks.Nab;

namespace FactoryMonitoring.Tests.Unit.Nab;

/// <summary>The folder with the recordings of the Numenta Anomaly Benchmark.</summary>
internal static class NabFolder
{
    /// <summary>Returns the folder that FACTORY_NAB names, else shared/data/nab next to the checkout, or next to a folder above it.</summary>
    /// <exception cref="InvalidOperationException">There is no such folder.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(NabCorpus.Variable) is { Length: > 0 } named)
        {
            return named;
        }

        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var folder = Path.Combine(directory.FullName, "shared", "data", "nab");
            if (Directory.Exists(folder))
            {
                return folder;
            }
        }

        throw new InvalidOperationException($"The tests need recordings of the Numenta Anomaly Benchmark: set {NabCorpus.Variable} to their folder");
    }
}
