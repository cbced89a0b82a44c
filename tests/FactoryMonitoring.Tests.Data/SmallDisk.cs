using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FactoryMonitoring.Tests.Data;

/// <summary>A disk of a few megabytes in memory, which a test fills and empties. Needs Linux and root.</summary>
public sealed class SmallDisk : IDisposable
{
    /// <param name="megabytes">Its size.</param>
    public SmallDisk(int megabytes) => Mount(Path, megabytes);

    /// <summary>The mount point; open to other users, and short, because PostgreSQL creates a socket below it.</summary>
    public string Path { get; } = Directory.CreateDirectory(System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"disk-{Guid.NewGuid().ToString("N")[..8]}")).FullName;

    private string Filler => System.IO.Path.Combine(Path, "filler");

    /// <summary>Uses all remaining space.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(block);
            }
        }
        catch (IOException exception) when (exception.HResult == 28 || exception.Message.Contains("No space left", StringComparison.Ordinal))
        {
            // ENOSPC: the disk is full.
        }
    }

    /// <summary>Frees the space that <see cref="Fill"/> has used.</summary>
    public void Empty() => File.Delete(Filler);

    public void Dispose()
    {
        Run("umount", Path);
        Directory.Delete(Path);
    }

    private static void Mount(string path, int megabytes)
    {
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux))
        {
            throw new InvalidOperationException("This test needs a disk of its own, which only Linux mounts in memory (tmpfs)");
        }

        Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=755", "tmpfs", path);
    }

    private static void Run(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"This test needs a small disk of its own and may not mount one: run it as root, in a container with CAP_SYS_ADMIN ({command} {string.Join(' ', arguments)}: {error.Trim()})");
        }
    }
}
