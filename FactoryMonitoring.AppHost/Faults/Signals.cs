using System.Runtime.InteropServices;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Signals that pause, resume, terminate or kill a process.</summary>
internal static partial class Signals
{
    private const int KillSignal = 9;
    private const int TermSignal = 15;

    // The numbers of these two signals differ between systems.
    private static readonly int Stop = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int Continue = OperatingSystem.IsMacOS() ? 19 : 18;

    /// <summary>SIGSTOP.</summary>
    /// <returns>False if the process is gone or belongs to another user.</returns>
    public static bool Freeze(int pid) => !OperatingSystem.IsWindows() && Send(pid, Stop) == 0;

    /// <summary>SIGCONT.</summary>
    /// <returns>False if the process is gone or belongs to another user.</returns>
    public static bool Thaw(int pid) => !OperatingSystem.IsWindows() && Send(pid, Continue) == 0;

    /// <summary>SIGTERM.</summary>
    /// <returns>False if the process is gone or belongs to another user.</returns>
    public static bool Terminate(int pid) => !OperatingSystem.IsWindows() && Send(pid, TermSignal) == 0;

    /// <summary>SIGKILL.</summary>
    /// <returns>False if the process is gone or belongs to another user.</returns>
    public static bool Kill(int pid) => !OperatingSystem.IsWindows() && Send(pid, KillSignal) == 0;

    // Other numbers are groups of processes, or all of them.
    private static int Send(int pid, int signal) => pid > 1 ? Kill(pid, signal) : -1;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
