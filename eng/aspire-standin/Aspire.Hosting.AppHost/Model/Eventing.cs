using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Eventing
{
    public interface IDistributedApplicationEvent;

    public interface IDistributedApplicationResourceEvent : IDistributedApplicationEvent
    {
        IResource Resource { get; }
    }

    public class DistributedApplicationEventSubscription(Func<IDistributedApplicationEvent, CancellationToken, Task> callback)
    {
        public Func<IDistributedApplicationEvent, CancellationToken, Task> Callback => callback;
    }

    public interface IDistributedApplicationEventing
    {
        DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback) where T : IDistributedApplicationEvent;

        DistributedApplicationEventSubscription Subscribe<T>(IResource resource, Func<T, CancellationToken, Task> callback)
            where T : IDistributedApplicationResourceEvent;

        /// <summary>Calls the subscribers one after the other, in the order of their subscription; throws what they throw.</summary>
        Task PublishAsync<T>(T @event, CancellationToken cancellationToken = default) where T : IDistributedApplicationEvent;
    }

    internal sealed class DistributedApplicationEventing : IDistributedApplicationEventing
    {
        private readonly Lock _lock = new();
        private readonly List<(Type Event, DistributedApplicationEventSubscription Subscription)> _subscriptions = [];

        public DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback)
            where T : IDistributedApplicationEvent
        {
            DistributedApplicationEventSubscription subscription = new((@event, cancellationToken) => callback((T)@event, cancellationToken));
            lock (_lock)
                _subscriptions.Add((typeof(T), subscription));
            return subscription;
        }

        public DistributedApplicationEventSubscription Subscribe<T>(IResource resource, Func<T, CancellationToken, Task> callback)
            where T : IDistributedApplicationResourceEvent
            => Subscribe<T>((@event, cancellationToken) =>
                ReferenceEquals(@event.Resource, resource) ? callback(@event, cancellationToken) : Task.CompletedTask);

        public async Task PublishAsync<T>(T @event, CancellationToken cancellationToken) where T : IDistributedApplicationEvent
        {
            DistributedApplicationEventSubscription[] subscriptions;
            lock (_lock)
                subscriptions = [.. _subscriptions.Where(entry => entry.Event == typeof(T)).Select(entry => entry.Subscription)];
            foreach (var subscription in subscriptions)
                await subscription.Callback(@event, cancellationToken);
        }
    }
}

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>Before anything is started.</summary>
    public class BeforeStartEvent(IServiceProvider services, DistributedApplicationModel model) : IDistributedApplicationEvent
    {
        public IServiceProvider Services => services;

        public DistributedApplicationModel Model => model;
    }

    public class InitializeResourceEvent(
        IResource resource, IDistributedApplicationEventing distributedApplicationEventing, ResourceLoggerService resourceLoggerService,
        ResourceNotificationService resourceNotificationService, IServiceProvider services) : IDistributedApplicationResourceEvent
    {
        public IResource Resource => resource;

        public IServiceProvider Services => services;

        public IDistributedApplicationEventing Eventing => distributedApplicationEventing;

        public ResourceNotificationService Notifications => resourceNotificationService;

        public ILogger Logger { get; } = resourceLoggerService.GetLogger(resource);
    }

    public class ConnectionStringAvailableEvent(IResource resource, IServiceProvider services) : ResourceEventBase(resource, services);

    /// <summary>Before each start of a resource; its waits end before the last of the subscribers returns.</summary>
    public class BeforeResourceStartedEvent(IResource resource, IServiceProvider services) : ResourceEventBase(resource, services);

    /// <summary>After each start of a resource, when it is healthy for the first time.</summary>
    public class ResourceReadyEvent(IResource resource, IServiceProvider services) : ResourceEventBase(resource, services);

    public abstract class ResourceEventBase(IResource resource, IServiceProvider services) : IDistributedApplicationResourceEvent
    {
        public IResource Resource => resource;

        public IServiceProvider Services => services;
    }
}
