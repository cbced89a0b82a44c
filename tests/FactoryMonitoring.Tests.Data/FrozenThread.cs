using System.Runtime.InteropServices;

namespace FactoryMonitoring.Tests.Data;

/// <summary>
/// One thread of another process that is stopped, as if it waited for a lock that nobody releases; the other threads continue. Linux; it runs again when this is
/// disposed.
/// </summary>
public sealed partial class FrozenThread : IDisposable
{
    private const int Seize = 0x4206;
    private const int Interrupt = 0x4207;

    private readonly ManualResetEventSlim _isOver = new();
    private readonly TaskCompletionSource _isFrozen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _tracer;

    // A traced thread runs again when its tracer, which must be a thread of its own, ends.
    private FrozenThread(int id) => _tracer = new Thread(() => Hold(id));

    /// <param name="name">The thread's name, of which the system keeps 15 characters.</param>
    /// <exception cref="InvalidOperationException">There is no such thread, or the system does not allow this.</exception>
    public static async Task<FrozenThread> FreezeAsync(int processId, string name)
    {
        var id = Directory.GetDirectories($"/proc/{processId}/task")
            .Where(task => File.ReadAllText(Path.Combine(task, "comm")).TrimEnd() == name)
            .Select(task => int.Parse(Path.GetFileName(task), System.Globalization.CultureInfo.InvariantCulture))
            .SingleOrDefault();
        if (id == 0)
        {
            throw new InvalidOperationException($"process {processId} has no thread {name}");
        }

        var thread = new FrozenThread(id);
        thread._tracer.Start();
        await thread._isFrozen.Task;
        return thread;
    }

    public void Dispose()
    {
        _isOver.Set();
        _tracer.Join();
        _isOver.Dispose();
    }

    private void Hold(int id)
    {
        if (Trace(Seize, id, 0, 0) != 0 || Trace(Interrupt, id, 0, 0) != 0)
        {
            _isFrozen.SetException(new InvalidOperationException($"cannot stop thread {id}: error {Marshal.GetLastPInvokeError()}"));
            return;
        }

        _isFrozen.SetResult();
        _isOver.Wait();
    }

    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    private static partial nint Trace(int request, int thread, nint address, nint data);
}
