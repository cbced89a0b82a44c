using System.Runtime.InteropServices;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Signals that stop a process in its tracks, let it go on, or ask it to end.</summary>
internal static partial class Signals
{
    private const int Term = 15;

    // These two have no common numbers.
    private static readonly int Stop = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int Continue = OperatingSystem.IsMacOS() ? 19 : 18;

    /// <summary>SIGSTOP.</summary>
    /// <returns>False when the process is gone or another's.</returns>
    public static bool Freeze(int pid) => !OperatingSystem.IsWindows() && Kill(pid, Stop) == 0;

    /// <summary>SIGCONT.</summary>
    /// <returns>False when the process is gone or another's.</returns>
    public static bool Thaw(int pid) => !OperatingSystem.IsWindows() && Kill(pid, Continue) == 0;

    /// <summary>SIGTERM.</summary>
    /// <returns>False when the process is gone or another's.</returns>
    public static bool Terminate(int pid) => !OperatingSystem.IsWindows() && Kill(pid, Term) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
