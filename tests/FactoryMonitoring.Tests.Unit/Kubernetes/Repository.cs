namespace FactoryMonitoring.Tests.Unit.Kubernetes;

internal static class Repository
{
    public static string Root { get; } = Ancestors(AppContext.BaseDirectory).First(directory => File.Exists(Path.Combine(directory, "FactoryMonitoring.sln")));

    public static string Read(params string[] path) => File.ReadAllText(Path.Combine([Root, .. path]));

    private static IEnumerable<string> Ancestors(string? directory)
    {
        for (; directory is not null; directory = Path.GetDirectoryName(directory)) yield return directory;
    }
}
