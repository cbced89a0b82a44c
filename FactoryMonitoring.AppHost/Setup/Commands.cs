using System.ComponentModel;
using System.Diagnostics;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>Asks programs of the machine about themselves.</summary>
internal static class Commands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Runs a program and returns what it wrote to either output; null when it cannot be run, fails, or does not end.</summary>
    public static string? Output(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start);
            if (process is null) return null;
            // Either output fits into the pipe's buffer, so that reading one after the other cannot block.
            var output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
            return process.WaitForExit(Patience) && process.ExitCode == 0 ? output : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
