using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel
{
    public interface IResource
    {
        string Name { get; }
        ResourceAnnotationCollection Annotations { get; }
    }

    public interface IResourceAnnotation;

    public sealed class ResourceAnnotationCollection : Collection<IResourceAnnotation>;

    public interface IResourceWithArgs : IResource;

    public interface IResourceWithEndpoints : IResource;

    public interface IResourceWithEnvironment : IResource;

    public interface IResourceWithWaitSupport : IResource;

    public interface IResourceWithoutLifetime : IResource;

    public interface IResourceWithParent : IResource
    {
        IResource Parent { get; }
    }

    public interface IResourceWithParent<out T> : IResourceWithParent where T : IResource
    {
        new T Parent { get; }
        IResource IResourceWithParent.Parent => Parent;
    }

    public abstract class Resource : IResource
    {
        protected Resource(string name)
        {
            ArgumentException.ThrowIfNullOrEmpty(name);
            if (!char.IsAsciiLetter(name[0]) || name.Length > 64 || name.EndsWith('-') || name.Contains("--", StringComparison.Ordinal)
                || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
                throw new ArgumentException($"Resource name '{name}' is invalid: letters, digits and single hyphens, a letter first.", nameof(name));
            Name = name;
        }

        public virtual string Name { get; }

        public virtual ResourceAnnotationCollection Annotations { get; } = [];
    }

    public class ProjectResource(string name) : Resource(name), IResourceWithEnvironment, IResourceWithArgs,
        IResourceWithServiceDiscovery, IResourceWithWaitSupport;

    public class ExecutableResource(string name, string command, string workingDirectory) : Resource(name), IResourceWithEnvironment,
        IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport
    {
        public string Command { get; internal set; } = command;

        public string WorkingDirectory { get; internal set; } = workingDirectory;
    }

    public interface IResourceCollection : IList<IResource>
    {
        bool TryGetByName(string name, [NotNullWhen(true)] out IResource? resource);
    }

    internal sealed class ResourceCollection : Collection<IResource>, IResourceCollection
    {
        public bool TryGetByName(string name, [NotNullWhen(true)] out IResource? resource)
            => (resource = this.FirstOrDefault(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase))) is not null;

        protected override void InsertItem(int index, IResource item)
        {
            if (TryGetByName(item.Name, out _))
                throw new DistributedApplicationException($"Cannot add resource '{item.Name}': another of that name exists.");
            base.InsertItem(index, item);
        }
    }

    public class DistributedApplicationModel(IResourceCollection resources)
    {
        public IResourceCollection Resources { get; } = resources;
    }

    public interface IResourceBuilder<out T> where T : IResource
    {
        IDistributedApplicationBuilder ApplicationBuilder { get; }

        T Resource { get; }

        IResourceBuilder<T> WithAnnotation<TAnnotation>(
            TAnnotation annotation, ResourceAnnotationMutationBehavior behavior = ResourceAnnotationMutationBehavior.Append)
            where TAnnotation : IResourceAnnotation;

        IResourceBuilder<T> WithAnnotation<TAnnotation>(
            ResourceAnnotationMutationBehavior behavior = ResourceAnnotationMutationBehavior.Append)
            where TAnnotation : IResourceAnnotation, new();
    }

    public enum ResourceAnnotationMutationBehavior
    {
        Append,
        Replace,
    }

    internal sealed class ResourceBuilder<T>(IDistributedApplicationBuilder builder, T resource) : IResourceBuilder<T> where T : IResource
    {
        public IDistributedApplicationBuilder ApplicationBuilder => builder;

        public T Resource => resource;

        public IResourceBuilder<T> WithAnnotation<TAnnotation>(TAnnotation annotation, ResourceAnnotationMutationBehavior behavior)
            where TAnnotation : IResourceAnnotation
        {
            if (behavior == ResourceAnnotationMutationBehavior.Replace)
                foreach (var old in resource.Annotations.OfType<TAnnotation>().ToList())
                    resource.Annotations.Remove(old);
            resource.Annotations.Add(annotation);
            return this;
        }

        public IResourceBuilder<T> WithAnnotation<TAnnotation>(ResourceAnnotationMutationBehavior behavior)
            where TAnnotation : IResourceAnnotation, new() => WithAnnotation(new TAnnotation(), behavior);
    }

    public static class ResourceExtensions
    {
        public static bool TryGetLastAnnotation<T>(this IResource resource, [NotNullWhen(true)] out T? annotation) where T : IResourceAnnotation
            => (annotation = resource.Annotations.OfType<T>().LastOrDefault()) is not null;

        public static bool HasAnnotationOfType<T>(this IResource resource) where T : IResourceAnnotation
            => resource.Annotations.OfType<T>().Any();

        public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName)
            => new(resource, endpointName);

        public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource)
            => resource.Annotations.OfType<EndpointAnnotation>().Select(endpoint => new EndpointReference(resource, endpoint));

        public static int GetReplicaCount(this IResource resource)
            => resource.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) ? replicas.Replicas : 1;

        /// <summary>The ids of a resource's instances: of processes the name and a random suffix, of all others the name.</summary>
        internal static IReadOnlyList<string> InstanceIds(this IResource resource)
            => resource.TryGetLastAnnotation<InstancesAnnotation>(out var instances) ? instances.Ids : [resource.Name];
    }

    internal sealed record InstancesAnnotation(IReadOnlyList<string> Ids) : IResourceAnnotation;
}

namespace Aspire.Hosting
{
    public interface IResourceWithServiceDiscovery : ApplicationModel.IResourceWithEndpoints;

    public interface IProjectMetadata : ApplicationModel.IResourceAnnotation
    {
        string ProjectPath { get; }
    }

    /// <summary>Implemented by the classes generated from ProjectReferences: where the build has put the assembly.</summary>
    public interface IBuiltProject
    {
        string TargetPath { get; }
    }

#pragma warning disable CA1032 // nobody needs the other constructors
    public class DistributedApplicationException(string message) : Exception(message);
#pragma warning restore CA1032
}
