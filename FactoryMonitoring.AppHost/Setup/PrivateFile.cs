using System.Text;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>Files that hold secrets.</summary>
internal static class PrivateFile
{
    /// <summary>Writes a file that only its owner can read and that is never visible incomplete.</summary>
    public static void Write(string path, string text)
    {
        var fresh = path + ".new";
        File.Delete(fresh);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(fresh, options)) stream.Write(Encoding.UTF8.GetBytes(text));
        File.Move(fresh, path, overwrite: true);
    }
}
