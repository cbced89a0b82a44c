namespace FactoryMonitoring.AppHost.Services;

/// <summary>A group of resources of one kind, shown below one line of the dashboard.</summary>
internal sealed class GroupResource(string name) : Resource(name);

internal static class GroupBuilderExtensions
{
    /// <summary>Adds a line of the dashboard below which other resources are shown.</summary>
    public static IResourceBuilder<GroupResource> AddGroup(this IDistributedApplicationBuilder builder, string name, string icon) =>
        builder.AddResource(new GroupResource(name))
            .WithIconName(icon)
            .ExcludeFromManifest()
            .WithInitialState(new CustomResourceSnapshot { ResourceType = "Group", Properties = [], State = KnownResourceStates.Running });
}
