namespace FactoryMonitoring.Tests.Browser;

/// <summary>Where things lie.</summary>
internal static class Repository
{
    public static string Root { get; } = Ancestors(AppContext.BaseDirectory).First(directory => File.Exists(Path.Combine(directory, "FactoryMonitoring.sln")));

    /// <summary>Debug or Release, as these tests were built.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar)).Parent!.Name;

    public static string Screenshots { get; } = Directory.CreateDirectory(Path.Combine(Root, "artifacts", "screenshots")).FullName;

    private static IEnumerable<string> Ancestors(string directory)
    {
        for (var each = new DirectoryInfo(directory); each is not null; each = each.Parent) yield return each.FullName;
    }
}
