using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Containers;

/// <summary>
/// Docker or podman by its command line. The containers of a run share a network, on which they find each other by their resources'
/// names; they are gone when they stop, and all of it when this process is gone, however it has gone.
/// </summary>
internal sealed class ContainerEngine(IConfiguration configuration, Reaper reaper) : IDisposable
{
    private readonly string _session = RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz", 8);
    private readonly SemaphoreSlim _turn = new(1);
    private string? _command;

    private string Network => $"aspire-session-network-{_session}";

    private string Label => $"aspire.session={_session}";

    public void Dispose() => _turn.Dispose();

    /// <summary>Makes the container, in place of an earlier one of its name, and says how to run it attached.</summary>
    /// <exception cref="DistributedApplicationException">There is no engine, or it refuses; in its words.</exception>
    internal async Task<Container> CreateAsync(
        ContainerResource resource, string id, LaunchPlan plan, Action<string> write, CancellationToken cancellationToken)
    {
        var image = resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var annotation) ? annotation.Reference
            : throw new DistributedApplicationException($"The container '{resource.Name}' has no image.");
        var command = await OpenAsync(cancellationToken);
        List<string> arguments = ["create", "--rm", "--name", id, "--label", Label, "--network", Network, "--network-alias", resource.Name];
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            arguments.AddRange(["--publish", string.Create(CultureInfo.InvariantCulture,
                $"127.0.0.1:{endpoint.ReplicaPorts[0]}:{endpoint.TargetPort ?? endpoint.ReplicaPorts[0]}")]);
        foreach (var mount in resource.Annotations.OfType<ContainerMountAnnotation>())
            arguments.AddRange(["--mount", $"type={(mount.Type == ContainerMountType.Volume ? "volume" : "bind")}"
                + (mount.Source is null ? "" : $",source={mount.Source}") + $",target={mount.Target}" + (mount.IsReadOnly ? ",readonly" : "")]);
        // Without their values, which may be secrets: those are read from the environment of the command.
        foreach (var variable in plan.Added.Keys)
            arguments.AddRange(["--env", variable]);
        if (resource.Entrypoint is { } entrypoint)
            arguments.AddRange(["--entrypoint", entrypoint]);

        await RunAsync(command, ["rm", "--force", id], null, _ => { }, cancellationToken);
        var (exitCode, output) = await RunAsync(command, [.. arguments, image, .. plan.Arguments], plan.Added, write, cancellationToken);
        return exitCode == 0
            ? new(command, output, id, image, plan with { Command = command, Arguments = ["start", "--attach", output] })
            : throw new DistributedApplicationException($"the container of {image} cannot be made: {output}");
    }

    internal async Task CloseAsync()
    {
        if (_command is not null)
            await RunAsync(_command, ["network", "rm", Network], null, _ => { }, CancellationToken.None);
    }

    /// <summary>Runs the command to its end: its exit code, and the last line of its output, or of its errors when it fails.</summary>
    /// <param name="write">Is given its errors, among which are the engine's reports of progress.</param>
    internal static async Task<(int ExitCode, string LastLine)> RunAsync(
        string command, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment, Action<string> write,
        CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (variable, value) in environment ?? new Dictionary<string, string>())
            start.Environment[variable] = value;
        using var process = Process.Start(start)!;
        var output = ReadAsync(process.StandardOutput, _ => { });
        var error = ReadAsync(process.StandardError, write);
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, await (process.ExitCode == 0 ? output : error));

        async Task<string> ReadAsync(StreamReader reader, Action<string> each)
        {
            var last = "";
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
                if (line.Length > 0)
                    each(last = line);
            return last;
        }
    }

    /// <summary>Finds the engine and makes the network, once.</summary>
    private async Task<string> OpenAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_command is not null)
                return _command;
            var command = await FindAsync(cancellationToken);
            var (exitCode, output) = await RunAsync(command, ["network", "create", "--label", Label, Network], null, _ => { }, cancellationToken);
            if (exitCode != 0)
                throw new DistributedApplicationException($"{command} makes no network: {output}");
            reaper.AtTheEnd($"for c in $({command} ps --all --quiet --filter label={Label}); do {{ {command} stop -t 10 $c; {command} rm --force $c; }} & done; wait; {command} network rm {Network}");
            return _command = command;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<string> FindAsync(CancellationToken cancellationToken)
    {
        var forced = configuration["ASPIRE_CONTAINER_RUNTIME"] ?? configuration["DOTNET_ASPIRE_CONTAINER_RUNTIME"];
        foreach (var command in forced is { Length: > 0 } ? [forced] : new[] { "docker", "podman" })
        {
            try
            {
                if ((await RunAsync(command, ["info"], null, _ => { }, cancellationToken)).ExitCode == 0)
                    return command;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // Not installed: the next one may be.
            }
        }
        throw new DistributedApplicationException("no container engine answers (docker info, podman info)");
    }
}

/// <summary>A container that was made, and the plan of the command that runs it: that command ends with it, and with its exit code.</summary>
internal sealed record Container(string Command, string Id, string Name, string Image, LaunchPlan Plan)
{
    /// <summary>Asks it to end by the signal its image wants, and removes it when it has not by then, or when the token is cancelled.</summary>
    internal async Task StopAsync(TimeSpan patience, CancellationToken now)
    {
        var seconds = patience.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        try
        {
            await ContainerEngine.RunAsync(Command, ["stop", "-t", seconds, Id], null, _ => { }, now);
        }
        catch (OperationCanceledException)
        {
            await ContainerEngine.RunAsync(Command, ["rm", "--force", Id], null, _ => { }, CancellationToken.None);
        }
    }
}
