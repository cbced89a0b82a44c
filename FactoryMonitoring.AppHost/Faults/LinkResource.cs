namespace FactoryMonitoring.AppHost.Faults;

/// <summary>A link as a resource: its connection string leads over it to what another resource's leads to directly.</summary>
/// <param name="proxies">What carries it.</param>
/// <param name="connection">The connection string.</param>
internal sealed class LinkResource(string name, Link link, IReadOnlyList<LinkProxy> proxies, ReferenceExpression connection)
    : Resource(name), IResourceWithConnectionString
{
    public Link Link => link;

    public IReadOnlyList<LinkProxy> Proxies => proxies;

    public ReferenceExpression ConnectionStringExpression => connection;
}
