namespace FactoryMonitoring.AppHost.Faults;

/// <summary>A link as a resource: its connection string leads over the link to the target that another resource's connection string names directly.</summary>
/// <param name="proxies">The proxies that carry the link.</param>
/// <param name="connection">The connection string.</param>
internal sealed class LinkResource(string name, Link link, IReadOnlyList<LinkProxy> proxies, ReferenceExpression connection)
    : Resource(name), IResourceWithConnectionString
{
    public Link Link => link;

    public IReadOnlyList<LinkProxy> Proxies => proxies;

    public ReferenceExpression ConnectionStringExpression => connection;
}
