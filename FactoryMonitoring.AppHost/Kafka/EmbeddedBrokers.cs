using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Serialization;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>
/// Shows the brokers of the embedded cluster as resources. The process that hosts them reports their state, and their commands are forwarded to it.
/// </summary>
/// <param name="token">The control token of the process, without which it refuses changes.</param>
internal sealed class EmbeddedBrokers(
    ProjectResource host, string token, DistributedApplicationModel model, ResourceNotificationService notifications, ExitLog exits, TimeProvider time)
    : LifetimeService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly HttpClient _client = ClientWith(token);

    /// <summary>Takes a broker down or brings it up.</summary>
    /// <exception cref="Exception">The host of the brokers does not answer: <see cref="LocalHttp.IsNoAnswer"/>.</exception>
    public async Task ChangeAsync(EmbeddedBrokerResource broker, bool up, CancellationToken cancellationToken)
    {
        using var response = await _client.PostAsync(
            new Uri($"{host.GetEndpoint("http").Url}/brokers/{broker.Id}/{(up ? "up" : "down")}"), content: null, cancellationToken);
        response.EnsureSuccessStatusCode();
        await PublishAsync(broker, up, hasHost: true);
    }

    public override void Dispose()
    {
        _client.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var brokers = model.Resources.OfType<EmbeddedBrokerResource>().ToArray();
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var states = await ReadAsync(stoppingToken);
            // If the host process has exited, the brokers are down.
            foreach (var broker in brokers) await PublishAsync(broker, states?.Any(state => state.Id == broker.Id && state.Up) ?? false, hasHost: states is not null);
        }
    }

    private static HttpClient ClientWith(string token)
    {
        var client = LocalHttp.CreateClient(TimeSpan.FromSeconds(3));
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private async Task<BrokerState[]?> ReadAsync(CancellationToken cancellationToken)
    {
        // An endpoint reference caches its first answer: each read needs a new reference.
        var endpoint = host.GetEndpoint("http");
        if (!endpoint.IsAllocated) return null;
        try
        {
            return await _client.GetFromJsonAsync<BrokerState[]>(new Uri($"{endpoint.Url}/brokers"), cancellationToken);
        }
        catch (Exception exception) when (exception.IsNoAnswer(cancellationToken))
        {
            return null;
        }
    }

    private async Task PublishAsync(EmbeddedBrokerResource broker, bool up, bool hasHost)
    {
        notifications.TryGetCurrentState(broker.Name, out var current);
        var wasUp = current?.Snapshot.State?.Text == KnownResourceStates.Running;
        // A broker that has never been up is not down; it has not started yet.
        if (up == wasUp || (!up && current?.Snapshot.StartTimeStamp is null)) return;
        var now = time.GetUtcNow().UtcDateTime;
        var killed = exits.PendingKill(broker.Name)?.UtcDateTime;
        await notifications.PublishUpdateAsync(broker, snapshot => up
            ? snapshot with { State = KnownResourceStates.Running, StartTimeStamp = now, StopTimeStamp = null, ExitCode = null }
            : snapshot with { State = KnownResourceStates.Exited, StopTimeStamp = killed ?? now, ExitCode = killed is not null ? 137 : hasHost ? 0 : -1 });
    }

    private sealed record BrokerState([property: JsonPropertyName("id")] int Id, [property: JsonPropertyName("up")] bool Up);
}

/// <summary>The commands of the embedded brokers, under the names that Aspire uses for the commands of a process.</summary>
internal static class EmbeddedBrokerCommands
{
    public static IResourceBuilder<EmbeddedBrokerResource> WithEmbeddedBrokerCommands(this IResourceBuilder<EmbeddedBrokerResource> broker)
    {
        var resource = broker.Resource;
        return broker
            .WithCommand(KnownResourceCommands.StartCommand, "Start", context => ChangeAsync(context, resource, true), new CommandOptions
            {
                Description = "Lets the broker answer again",
                IconName = "Play",
                IsHighlighted = true,
                UpdateState = context => Enabled(context.ResourceSnapshot.State?.Text == KnownResourceStates.Exited),
            })
            .WithCommand(KnownResourceCommands.StopCommand, "Stop", context => ChangeAsync(context, resource, false), new CommandOptions
            {
                Description = "Takes the broker down; the others lead its partitions",
                ConfirmationMessage = $"Stop {resource.Name}? The other brokers lead its partitions.",
                IconName = "Stop",
                IsHighlighted = true,
                UpdateState = context => Enabled(context.ResourceSnapshot.State?.Text == KnownResourceStates.Running),
            })
            .WithCommand(KnownResourceCommands.RestartCommand, "Restart", async context =>
            {
                var stopped = await ChangeAsync(context, resource, false);
                if (!stopped.Success) return stopped;
                var started = await ChangeAsync(context, resource, true);
                return started.Success ? KillCommand.Done($"{resource.Name}: restarted") : started;
            }, new CommandOptions
            {
                Description = "Takes the broker down, and lets it answer again",
                ConfirmationMessage = $"Restart {resource.Name}? The other brokers lead its partitions meanwhile.",
                IconName = "ArrowCounterclockwise",
                UpdateState = context => Enabled(context.ResourceSnapshot.State?.Text == KnownResourceStates.Running),
            })
            .WithKill((context, _) => ChangeAsync(context, resource, false));
    }

    private static async Task<ExecuteCommandResult> ChangeAsync(ExecuteCommandContext context, EmbeddedBrokerResource broker, bool up)
    {
        // A stop from Aspire passes through no state that would announce the exit.
        var exits = context.Services.GetRequiredService<ExitLog>();
        var isAnnounced = exits.IsAnnounced(broker.Name) || !context.Services.GetRequiredService<ResourceWatch>().Runs(broker.Name);
        return up || isAnnounced
            ? await TryChangeAsync(context, broker, up)
            : await exits.AnnounceAsync(broker.Name, ExitCause.Stopped, by: null, () => TryChangeAsync(context, broker, up));
    }

    private static async Task<ExecuteCommandResult> TryChangeAsync(ExecuteCommandContext context, EmbeddedBrokerResource broker, bool up)
    {
        try
        {
            await context.Services.GetRequiredService<EmbeddedBrokers>().ChangeAsync(broker, up, context.CancellationToken);
            if (up) context.Services.GetRequiredService<AuditRecorder>().AddFromAspire(ResourceAction.Start, broker.Name);
            return KillCommand.Done($"{broker.Name}: {(up ? "started" : "stopped")}");
        }
        catch (Exception exception) when (exception.IsNoAnswer(context.CancellationToken))
        {
            return CommandResults.Failure($"the process that hosts the embedded brokers does not answer: {exception.Message}");
        }
    }

    private static ResourceCommandState Enabled(bool enabled) => enabled ? ResourceCommandState.Enabled : ResourceCommandState.Hidden;
}
