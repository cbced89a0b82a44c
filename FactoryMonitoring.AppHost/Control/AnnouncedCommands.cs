namespace FactoryMonitoring.AppHost.Control;

/// <summary>Runs Aspire's commands on resources, and announces the exits that they lead to.</summary>
internal sealed class AnnouncedCommands(ResourceCommandService commands, ResourceWatch watch, ExitLog exits)
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(15);

    /// <summary>Runs the command of an action. A stop is complete when the resource has exited.</summary>
    /// <param name="by">Who requests it.</param>
    /// <returns>Why the command failed; null on success.</returns>
    public async Task<string?> RunAsync(IResource resource, ResourceAction action, string by, CancellationToken cancellationToken)
    {
        // Announces an exit only for a running resource: the announcement would otherwise be attributed to the next exit.
        var result = action.Cause() is { } cause && watch.Runs(resource.Name)
            ? await exits.AnnounceAsync(resource.Name, cause, by, () => ExecuteAsync(resource, action, cancellationToken))
            : await ExecuteAsync(resource, action, cancellationToken);
        return result.Success ? null : result.Message ?? "it was canceled";
    }

    private async Task<ExecuteCommandResult> ExecuteAsync(IResource resource, ResourceAction action, CancellationToken cancellationToken)
    {
        var result = await commands.ExecuteCommandAsync(resource, action.Command(), cancellationToken);
        if (action != ResourceAction.Stop) return result;
        // Aspire can answer before the process has exited, and reports a failure if it has killed a process that took too long.
        await watch.UntilGoneAsync(resource.Name, StopLimit, cancellationToken);
        if (watch.IsGone(resource.Name)) return CommandResults.Success();
        return result.Success ? CommandResults.Failure($"it still runs after {StopLimit.TotalSeconds:F0} s") : result;
    }
}
