using System.Globalization;
using FactoryMonitoring.AppHost.Faults;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using Microsoft.AspNetCore.Http;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Executes a <see cref="ControlCommand"/>. All commands but start, stop, restart, kill and send require <c>Factory:Faults</c>.</summary>
internal sealed class CommandEndpoint(
    FactorySetup setup, DistributedApplicationModel model, AnnouncedCommands commands, ResourceWatch watch,
    ConsumerScale scale, ReadingSender sender, PoisonMessages poison, LoadBurst load, Links links, RollingRestart rolling, AuditRecorder audit, TimeProvider time)
{
    private bool AreBrokersExternal => setup.Kafka.Backing == KafkaBacking.External;

    public static async Task<IResult> RunAsync(HttpRequest request, CommandEndpoint endpoint, CancellationToken cancellationToken)
    {
        using var body = new StreamReader(request.Body);
        var (command, problem) = ControlCommand.Read(await body.ReadToEndAsync(cancellationToken));
        var (status, answer) = command is null ? (StatusCodes.Status400BadRequest, new(problem!)) : await endpoint.RunAsync(command, cancellationToken);
        return Answers.Command(request, answer, status);
    }

    /// <summary>Runs a command and records who gave it.</summary>
    /// <returns>The HTTP status of the outcome, and the answer as text.</returns>
    public async Task<(int Status, CommandAnswer Answer)> RunAsync(ControlCommand command, CancellationToken cancellationToken)
    {
        var at = time.GetUtcNow();
        var by = command.By ?? "control";
        audit.BeginCommand();
        void Record(bool done, string result) => audit.Add(new(0, at, by, command.Role, command.Address, command.ToString()!, done, result));
        try
        {
            var (status, answer) = await RunAsync(command, by, at, cancellationToken);
            Record(status == StatusCodes.Status200OK, answer.Message);
            return (status, answer);
        }
        catch (Exception exception)
        {
            Record(done: false, exception.Message);
            throw;
        }
    }

    private async Task<(int Status, CommandAnswer Answer)> RunAsync(ControlCommand command, string by, DateTimeOffset at, CancellationToken cancellationToken)
    {
        if (!setup.Settings.Faults && IsFault(command))
            return (StatusCodes.Status403Forbidden, new(FaultEndpoints.Reason));
        switch (command)
        {
            case ResourceCommand one:
                return await ActAsync(one, by, at, cancellationToken);
            case SendCommand reading:
                return await sender.SendAsync(reading, cancellationToken);
            case ScaleCommand { Consumers: var consumers }:
                if (OutOfRange("consumers", consumers, scale.Most, " (Factory:MaxConsumers)") is { } tooMany) return tooMany;
                var problems = await scale.ChangeAsync(consumers, by, cancellationToken);
                return problems.Count == 0 ? Done(Invariant($"{consumers} consumers run"), at) : Refused(string.Join("; ", problems));
            case PoisonCommand { Count: var count }:
                if (OutOfRange("count", count, PoisonCommand.Most) is { } tooMuch) return tooMuch;
                var sent = await poison.ProduceAsync(count, cancellationToken);
                return (sent.Acknowledged == count ? StatusCodes.Status200OK : StatusCodes.Status409Conflict, sent);
            case LoadCommand { ReadingsPerSecond: var rate, Seconds: var seconds }:
                if ((OutOfRange("readings_per_second", rate, LoadCommand.MostPerSecond) ?? OutOfRange("seconds", seconds, LoadCommand.MostSeconds)) is { } outside) return outside;
                return load.Start(rate, seconds) is { } burst
                    ? Done(Invariant($"{burst.ToSend} readings will be sent, {rate} per second for {seconds} s"), at)
                    : Refused(load.Snapshot().ToString());
            case LinkCommand change:
                return await ChangeAsync(change, at);
            case RollingRestartCommand when AreBrokersExternal:
                return Refused(NotOurs.Brokers);
            case RollingRestartCommand:
                return await rolling.RunAsync(by, cancellationToken) is { } obstacle ? Refused(obstacle) : Done("every broker was restarted and is in sync again", at);
            default:
                throw new InvalidOperationException($"{command.GetType().Name} is not handled");
        }
    }

    private static bool IsFault(ControlCommand command) => command switch
    {
        ResourceCommand { Action: var action } => action.IsFault(),
        SendCommand => false,
        _ => true,
    };

    private async Task<(int, CommandAnswer)> ActAsync(ResourceCommand command, string by, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var action = command.Action;
        if (AreBrokersExternal && ResourceNames.IsBroker(command.Name)) return Refused($"{command.Name}: {NotOurs.Brokers}");
        if (setup.Postgres.IsExternal && command.Name == ResourceNames.Postgres) return Refused($"{command.Name}: {NotOurs.Database}");
        if (!model.Resources.TryGetByName(command.Name, out var resource) || !resource.TakesCommands())
            return (StatusCodes.Status404NotFound, new($"there is no {command.Name}: must be one of {string.Join(", ", model.Resources.Where(one => one.TakesCommands()).Select(one => one.Name))}"));

        if (action.IsFault() && !resource.CanPause())
            return Refused($"{resource.Name} has no process of its own: {WireName.Of(action)} {KafkaClusterBuilderExtensions.EmbeddedHost}, which hosts it, or stop or kill it");
        if (action == ResourceAction.Start) await watch.UntilEndIsSeenAsync(resource.Name, cancellationToken);
        var runs = watch.Runs(resource.Name);
        if (runs && action == ResourceAction.Start) return Done($"{resource.Name}: already running");
        if (runs && action.IsFault() && resource.IsPaused(watch.Find(resource.Name)!) == (action == ResourceAction.Pause))
            return Done($"{resource.Name}: {(action == ResourceAction.Pause ? "already paused" : "was not paused")}");
        return await commands.RunAsync(resource, action, by, cancellationToken) is { } problem
            ? Refused($"{resource.Name} could not be {action.Past()}: {problem}")
            : Done($"{resource.Name}: {action.Past()}", at);
    }

    private async Task<(int, CommandAnswer)> ChangeAsync(LinkCommand command, DateTimeOffset at)
    {
        if (command.Action == LinkAction.Slow && OutOfRange("delay_ms", command.DelayMs, LinkCommand.LongestDelayMs) is { } tooLong) return tooLong;
        if (links.Find(command.Link) is not { } link)
        {
            return command.Link switch
            {
                FactoryLink.Kafka when setup.Kafka.Backing == KafkaBacking.Embedded =>
                    Refused("the embedded broker has no listener for a link: run the brokers as processes or containers (Factory:Kafka)"),
                FactoryLink.Kafka when AreBrokersExternal => Refused($"there is no link to cut: {NotOurs.Brokers}"),
                FactoryLink.Database when setup.Postgres.IsExternal => Refused($"there is no link to cut: {NotOurs.Database}"),
                _ => (StatusCodes.Status404NotFound, new($"there is no {WireName.Of(command.Link)} link here")),
            };
        }
        await links.ChangeAsync(link, command.Action, TimeSpan.FromMilliseconds(command.DelayMs));
        return Done(links.Snapshot().Single(body => body.Name == command.Link).Sentence(), at);
    }

    private static (int, CommandAnswer)? OutOfRange(string name, int value, int most, string setting = "") =>
        value >= 1 && value <= most ? null : (StatusCodes.Status400BadRequest, new(Invariant($"{name} = {value}: must be an integer between 1 and {most}{setting}")));

    private static (int, CommandAnswer) Done(string message, DateTimeOffset? at = null) => (StatusCodes.Status200OK, new(message, at));

    private static (int, CommandAnswer) Refused(string message) => (StatusCodes.Status409Conflict, new(message));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The names that Aspire has for the actions on a resource, and their consequences.</summary>
internal static class ResourceActions
{
    /// <summary>Whether a resource can be started, stopped, killed and so on.</summary>
    public static bool TakesCommands(this IResource resource) => resource.WorkerOf() is not null;

    /// <summary>Whether the action serves only to inject a fault.</summary>
    public static bool IsFault(this ResourceAction action) => action is ResourceAction.Pause or ResourceAction.Resume;

    /// <summary>The cause of the exit that the action leads to; null if it leads to none.</summary>
    public static ExitCause? Cause(this ResourceAction action) => action switch
    {
        ResourceAction.Kill => ExitCause.Killed,
        ResourceAction.Stop or ResourceAction.Restart => ExitCause.Stopped,
        _ => null,
    };

    public static string Command(this ResourceAction action) => action switch
    {
        ResourceAction.Start => KnownResourceCommands.StartCommand,
        ResourceAction.Stop => KnownResourceCommands.StopCommand,
        ResourceAction.Restart => KnownResourceCommands.RestartCommand,
        _ => WireName.Of(action),
    };

    public static string Past(this ResourceAction action) => action switch
    {
        ResourceAction.Stop => "stopped",
        ResourceAction.Pause or ResourceAction.Resume => $"{WireName.Of(action)}d",
        _ => $"{WireName.Of(action)}ed",
    };
}
