namespace FactoryMonitoring.Tests;

/// <summary>The checkout that the tests were built in.</summary>
internal static class Repository
{
    private static readonly DirectoryInfo Output = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = Ancestors(Output).First(directory => File.Exists(Path.Combine(directory, "FactoryMonitoring.sln")));

    public static string PathOf(params string[] path) => Path.Combine([Root, .. path]);

    public static string Read(params string[] path) => File.ReadAllText(PathOf(path));

    /// <summary>A service's assembly in its own output, in the configuration of these tests; the build of the AppHost has compiled it ahead of time.</summary>
    public static string AssemblyOf(string project) => PathOf(project, "bin", Output.Parent!.Name, Output.Name, $"{project}.dll");

    /// <summary>Where tests leave pictures of pages.</summary>
    public static string Screenshots => Directory.CreateDirectory(PathOf("artifacts", "screenshots")).FullName;

    private static IEnumerable<string> Ancestors(DirectoryInfo? directory)
    {
        for (; directory is not null; directory = directory.Parent) yield return directory.FullName;
    }
}
