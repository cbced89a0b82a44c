using System.Reflection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>
/// One run of an AppHost's entry point, held at two places: before it builds, until the test builds, and before it goes on with
/// what it has built, until the test starts that.
/// </summary>
internal sealed class AppHostRun : IAsyncDisposable
{
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _build = new(), _start = new();
    private readonly Task _entryPoint;

    internal AppHostRun(Assembly assembly, string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
    {
        var main = assembly.EntryPoint
            ?? throw new InvalidOperationException($"Assembly '{assembly.GetName().Name}' has no entry point.");
        BuilderInterception interception = new(
            assembly,
            configure,
            Building: builder =>
            {
                _builder.TrySetResult(builder);
                _build.Task.GetAwaiter().GetResult(); // Build is not asynchronous; the thread is this run's own
            },
            Built: application =>
            {
                _application.TrySetResult(application);
                _start.Task.GetAwaiter().GetResult();
            });
        _entryPoint = Task.Factory.StartNew(() =>
        {
            BuilderInterception.Current.Value = interception;
            Run(main, args);
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    internal async Task<DistributedApplicationBuilder> BuilderAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAny(_builder.Task, _entryPoint).WaitAsync(cancellationToken);
        return _builder.Task.IsCompleted ? await _builder.Task : throw await EarlyEndAsync();
    }

    internal async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _build.TrySetResult();
        await Task.WhenAny(_application.Task, _entryPoint).WaitAsync(cancellationToken);
        return _application.Task.IsCompleted ? new TestedApplication(await _application.Task, this) : throw await EarlyEndAsync();
    }

    /// <summary>Lets the entry point go on, and returns when it has started the application.</summary>
    internal async Task StartAsync(IHostApplicationLifetime lifetime, CancellationToken cancellationToken)
    {
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        _start.TrySetResult();
        if (await Task.WhenAny(started.Task, _entryPoint).WaitAsync(cancellationToken) == _entryPoint && !started.Task.IsCompleted)
            throw await EarlyEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        HostAbortedException aborted = new("The test has ended.");
        _build.TrySetException(aborted);
        _start.TrySetException(aborted);
        if (_application.Task.IsCompletedSuccessfully)
            await (await _application.Task).StopAsync();
        await Task.WhenAny(_entryPoint);
    }

    private static void Run(MethodInfo main, string[] args)
    {
        try
        {
            var exit = main.Invoke(null, BindingFlags.DoNotWrapExceptions, null, main.GetParameters().Length == 0 ? [] : [args], null);
            if (exit is int code and not 0)
                throw new InvalidOperationException($"The AppHost has ended with exit code {code}.");
        }
        catch (HostAbortedException)
        {
            return; // the test has ended before the AppHost has
        }
    }

    private async Task<Exception> EarlyEndAsync()
    {
        await _entryPoint; // throws what the entry point has thrown
        return new InvalidOperationException("The AppHost has ended without building and starting its application.");
    }
}
