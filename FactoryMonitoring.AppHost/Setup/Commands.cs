using System.ComponentModel;
using System.Diagnostics;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>Runs programs of the machine to query them.</summary>
internal static class Commands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Runs a program and returns what it wrote to standard output and standard error; null if it cannot be run, fails, or does not exit.</summary>
    public static string? Output(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start);
            if (process is null) return null;
            // Each output fits into the pipe's buffer, so that reading one after the other cannot block.
            var output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
            return process.WaitForExit(Patience) && process.ExitCode == 0 ? output : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
