using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Dashboard;

/// <summary>Where the real dashboard lies: the program aspire-managed, which the Aspire CLI unpacks once.</summary>
internal static class DashboardInstallation
{
    /// <summary>The path of the program, or null where it is nowhere.</summary>
    public static string? Find(IConfiguration configuration, string appHostDirectory)
    {
        if (configuration["ASPIRE_DASHBOARD_PATH"] is { Length: > 0 } path)
            return File.Exists(path) ? path : Directory.Exists(path) ? InFolder(path) : null;
        return Folders(configuration, appHostDirectory).Select(InFolder).FirstOrDefault(found => found is not null);
    }

    private static IEnumerable<string> Folders(IConfiguration configuration, string appHostDirectory)
    {
        for (var folder = new DirectoryInfo(appHostDirectory); folder is not null; folder = folder.Parent)
            yield return Path.Combine(folder.FullName, ".tools", ".aspire");
        yield return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".aspire");
        foreach (var folder in (configuration["PATH"] ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            FileInfo command = new(Path.Combine(folder, OperatingSystem.IsWindows() ? "aspire.exe" : "aspire"));
            if (command.Exists && (command.ResolveLinkTarget(returnFinalTarget: true) ?? command) is FileInfo { Directory.Parent: { } installed })
                yield return installed.FullName;
        }
    }

    private static string? InFolder(string folder)
    {
        var program = Path.Combine("managed", OperatingSystem.IsWindows() ? "aspire-managed.exe" : "aspire-managed");
        return new[] { Path.Combine(folder, "bundle", program), Path.Combine(folder, program) }.FirstOrDefault(File.Exists);
    }
}
