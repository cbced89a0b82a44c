using System.Globalization;
using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Data;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Adds links that can be cut, if faults are allowed; otherwise services connect directly.</summary>
internal static class LinkBuilderExtensions
{
    private const string Delay = "delay_ms";

    /// <summary>Adds the link over which the services reach the database.</summary>
    /// <returns>The access over the link, or to the database itself.</returns>
    public static DatabaseAccess AddDatabaseLink(this IDistributedApplicationBuilder builder, FactorySetup setup, FactoryDatabase database)
    {
        if (setup.DatabaseLinkPort is not { } port) return new(database, database.Resource, null);
        var link = new Link(FactoryLink.Database, TimeProvider.System);
        // Each service connects over the link with its own role; this role is shown.
        var resource = new LinkResource("database-link", link, [new LinkProxy(link, port, database.Port)], database.As(DatabaseRoles.Monitor, port));
        return new(database, builder.AddLink(resource, database.Resource), port);
    }

    /// <summary>
    /// Adds the link over which a consumer reaches the brokers. The brokers have a separate listener for it, which advertises the link's ports.
    /// </summary>
    /// <returns>The link, or the cluster itself.</returns>
    public static IResourceBuilder<IResourceWithConnectionString> AddKafkaLink(
        this IDistributedApplicationBuilder builder, FactorySetup setup, IResourceBuilder<KafkaClusterResource> cluster)
    {
        if (setup.KafkaLinkPorts is not { Count: > 0 } ports) return cluster;
        var link = new Link(FactoryLink.Kafka, TimeProvider.System);
        var brokers = string.Join(',', ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"{KafkaClusterResource.Host}:{port.Advertised}")));
        return builder.AddLink(
            new LinkResource("kafka-link", link, [.. ports.Select(port => new LinkProxy(link, port.Advertised, port.Listener))], ReferenceExpression.Create($"{brokers}")), cluster);
    }

    private static IResourceBuilder<LinkResource> AddLink<T>(this IDistributedApplicationBuilder builder, LinkResource resource, IResourceBuilder<T> target)
        where T : IResource => builder.AddResource(resource)
        .WithInitialState(new CustomResourceSnapshot { ResourceType = "Link", Properties = [], State = KnownResourceStates.NotStarted })
        .WithIconName("PlugConnected")
        // Keeps the link available as long as a resource that uses it.
        .WithReferenceRelationship(target.Resource)
        .OnInitializeResource(async (link, started, cancellationToken) =>
        {
            await started.Eventing.PublishAsync(new ConnectionStringAvailableEvent(link, started.Services), cancellationToken);
            await started.Services.GetRequiredService<Links>().ChangeAsync(link, LinkAction.Restore, TimeSpan.Zero);
        })
        .WithLinkCommand(LinkAction.Cut, "Cut", "Nothing gets through, and neither side learns of it.", "PlugDisconnected", $"Cut the {WireName.Of(resource.Link.Name)} link?", LinkState.Cut)
        .WithLinkCommand(LinkAction.Slow, "Slow", "Everything arrives later.", "Timer", $"Slow the {WireName.Of(resource.Link.Name)} link down?", LinkState.Slow)
        .WithLinkCommand(LinkAction.Restore, "Restore", "Everything gets through again, at once.", "PlugConnected", null, LinkState.Up);

    private static IResourceBuilder<LinkResource> WithLinkCommand(
        this IResourceBuilder<LinkResource> builder, LinkAction action, string displayName, string description, string icon, string? confirmation, LinkState becomes)
    {
        var resource = builder.Resource;
        var isSlow = action == LinkAction.Slow;
        return builder.WithCommand(WireName.Of(action), displayName, context => DashboardCommands.RunAsync(
            context, isSlow ? new LinkCommand(resource.Link.Name, action, DashboardCommands.Integer(context, Delay)) : new LinkCommand(resource.Link.Name, action)), new CommandOptions
        {
            Arguments = isSlow ? [DashboardCommands.Number(Delay, "Milliseconds each way", LinkCommand.UsualDelayMs, LinkCommand.LongestDelayMs)] : [],
            Description = description,
            ConfirmationMessage = confirmation,
            IconName = icon,
            IsHighlighted = becomes != LinkState.Slow,
            UpdateState = _ => resource.Link.State == becomes ? ResourceCommandState.Hidden : ResourceCommandState.Enabled,
        });
    }
}
