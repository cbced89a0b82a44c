using System.Globalization;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>The existing links and the actions on them. A link exists until everything that uses it has stopped.</summary>
internal sealed class Links : IDisposable
{
    private readonly DistributedApplicationModel _model;
    private readonly ResourceNotificationService _notifications;
    private readonly CancellationTokenRegistration _stopped;

    public Links(DistributedApplicationModel model, ResourceNotificationService notifications, IHostApplicationLifetime lifetime)
    {
        (_model, _notifications) = (model, notifications);
        _stopped = lifetime.ApplicationStopped.Register(() =>
        {
            foreach (var proxy in All().SelectMany(resource => resource.Proxies)) proxy.Dispose();
        });
    }

    public IReadOnlyList<LinkBody> Snapshot() =>
        [.. All().Select(resource => new LinkBody(resource.Link.Name, resource.Link.State, resource.Link.Delay.TotalMilliseconds, resource.Link.Connections))];

    /// <returns>Null if there is no such link.</returns>
    public LinkResource? Find(FactoryLink name) => All().FirstOrDefault(resource => resource.Link.Name == name);

    /// <summary>Performs the action and shows the result as the resource's state.</summary>
    public Task ChangeAsync(LinkResource resource, LinkAction action, TimeSpan delay)
    {
        var link = resource.Link;
        link.Change(action, delay);
        return _notifications.PublishUpdateAsync(resource, snapshot => snapshot with
        {
            State = link.State switch
            {
                LinkState.Cut => new ResourceStateSnapshot("Cut", KnownResourceStateStyles.Error),
                LinkState.Slow => new ResourceStateSnapshot(string.Create(CultureInfo.InvariantCulture, $"Slow ({link.Delay.TotalMilliseconds:F0} ms)"), KnownResourceStateStyles.Warn),
                _ => new ResourceStateSnapshot(KnownResourceStates.Running, KnownResourceStateStyles.Success),
            },
        });
    }

    /// <summary>Restores all links.</summary>
    public void RestoreAll()
    {
        foreach (var resource in All()) resource.Link.Restore();
    }

    public void Dispose() => _stopped.Dispose();

    private IEnumerable<LinkResource> All() => _model.Resources.OfType<LinkResource>();
}
