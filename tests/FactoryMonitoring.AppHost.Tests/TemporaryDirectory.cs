namespace FactoryMonitoring.AppHost.Tests;

/// <summary>A directory that is deleted with the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("factory-apphost-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
