using System.ComponentModel;
using System.Diagnostics;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>Runs programs of the machine to query them.</summary>
internal static class Commands
{
    /// <summary>How long a query may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Runs a program and returns what it wrote to standard output and standard error; null if it cannot be run, fails, or does not exit within 10 s.</summary>
    public static string? Output(string program, params IEnumerable<string> arguments) =>
        Run(program, Patience, arguments) is { ExitCode: 0 } run ? run.Output + run.Error : null;

    /// <summary>Runs a program to its end; kills it if it does not exit in time, as the client of a container engine that hangs.</summary>
    /// <returns>Null if the program cannot be run; no exit code if it did not exit in time.</returns>
    public static (int? ExitCode, string Output, string Error)? Run(string program, TimeSpan patience, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start);
            if (process is null) return null;
            Task<string>[] outputs = [process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync()];
            // A child of the program can keep the outputs open.
            if (process.WaitForExit(patience) && Task.WaitAll(outputs, patience)) return (process.ExitCode, outputs[0].Result, outputs[1].Result);
            process.Kill(entireProcessTree: true);
            return (null, "", "");
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
