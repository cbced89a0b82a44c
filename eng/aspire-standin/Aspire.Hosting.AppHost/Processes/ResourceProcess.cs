using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Containers;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Processes;

/// <summary>One instance of a project or an executable: at most one process at a time, started again by nobody but its command.</summary>
internal sealed class ResourceProcess(
    IResource resource, string id, int replica, ApplicationOrchestrator orchestrator, IDistributedApplicationEventing eventing,
    ResourceLoggerService loggers, Reaper reaper, ContainerEngine containers, IServiceProvider services, ILogger logger) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private ChildProcess? _child;
    private Container? _container;
    private Task _ended = Task.CompletedTask;

    internal IResource Resource => resource;

    internal string Id => id;

    public void Dispose() => _turn.Dispose();

    /// <summary>Starts it unless it runs; waits first for what it waits for.</summary>
    internal async Task<ExecuteCommandResult> StartAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (!_ended.IsCompleted)
                return CommandResults.Success();
            await PublishAsync(snapshot => snapshot with
            {
                State = KnownResourceStates.Starting, ExitCode = null, StartTimeStamp = null, StopTimeStamp = null,
            });
            await eventing.PublishAsync(new BeforeResourceStartedEvent(resource, services), cancellationToken);
            var plan = await LaunchPlan.CreateAsync(resource, replica, cancellationToken);
            await PublishAsync(snapshot => snapshot with { State = KnownResourceStates.Starting });
            cancellationToken.ThrowIfCancellationRequested();
            if (resource is ContainerResource made)
            {
                _container = await containers.CreateAsync(made, id, plan, line => loggers.Append(id, line, false), cancellationToken);
                plan = _container.Plan;
            }
            var child = _child = ChildProcess.Start(plan, reaper, (line, isError) => loggers.Append(id, line, isError));
            await PublishAsync(snapshot => snapshot with
            {
                State = new(KnownResourceStates.Running, KnownResourceStateStyles.Success),
                StartTimeStamp = DateTime.UtcNow,
                Urls = [.. Urls()],
                EnvironmentVariables = [.. plan.Added.Select(variable => new EnvironmentVariableSnapshot(variable.Key, variable.Value, true))],
                Properties = [.. Properties(plan, child.Id)],
            });
            _ended = EndAsync(child);
            return CommandResults.Success();
        }
        catch (OperationCanceledException)
        {
            await PublishAsync(snapshot => snapshot with { State = KnownResourceStates.NotStarted });
            return CommandResults.Canceled();
        }
        catch (Exception exception)
        {
            logger.LogError("Resource {Resource} cannot be started: {Reason}", resource.Name, exception.Message);
            loggers.Append(id, exception.Message, true);
            await PublishAsync(snapshot => snapshot with
            {
                State = new(KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error), StopTimeStamp = DateTime.UtcNow,
            });
            return CommandResults.Failure(exception);
        }
        finally
        {
            _turn.Release();
        }
    }

    internal async Task StopAsync(TimeSpan patience, CancellationToken now)
    {
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            if (_child is null || _ended.IsCompleted)
                return;
            await PublishAsync(snapshot => snapshot.State?.Text == KnownResourceStates.Running
                ? snapshot with { State = KnownResourceStates.Stopping } : snapshot);
            if (_container is not null)
                await _container.StopAsync(patience, now);
            else
                await _child.StopAsync(patience, now);
            await _ended;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task EndAsync(ChildProcess child)
    {
        var exitCode = await child.Exit;
        await PublishAsync(snapshot => snapshot with
        {
            State = new(resource is ContainerResource ? KnownResourceStates.Exited : KnownResourceStates.Finished, exitCode == 0 ? KnownResourceStateStyles.Success : KnownResourceStateStyles.Error),
            ExitCode = exitCode,
            StopTimeStamp = DateTime.UtcNow,
            Urls = [.. snapshot.Urls.Select(url => url with { IsInactive = true })],
        });
    }

    private Task PublishAsync(Func<CustomResourceSnapshot, CustomResourceSnapshot> change) => orchestrator.PublishAsync(resource, id, change);

    private IEnumerable<ResourcePropertySnapshot> Properties(LaunchPlan plan, int processId)
    {
        if (_container is not null)
        {
            yield return new("container.id", _container.Id);
            yield return new("container.name", _container.Name);
            yield return new("container.image", _container.Image);
            yield break;
        }
        if (resource.TryGetLastAnnotation<IProjectMetadata>(out var project))
            yield return new("project.path", project.ProjectPath);
        yield return new("executable.path", plan.Command);
        yield return new("executable.workDir", plan.WorkingDirectory);
        yield return new("executable.args", plan.Arguments) { IsSensitive = true };
        yield return new("executable.pid", processId);
    }

    private IEnumerable<UrlSnapshot> Urls() => resource is IResourceWithEndpoints served
        ? served.GetEndpoints().Select(endpoint => new UrlSnapshot(endpoint.EndpointName, endpoint.Url, false)) : [];
}
