using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.FaultLab.Control;

/// <summary>The requester of a fault: the visitor that the page's service names, or a user of this machine.</summary>
/// <param name="Name">The name of the visitor; null if none is named.</param>
internal sealed record Requester(string? Name, FactoryRole? Role, string? Address)
{
    /// <summary>The name that is recorded for requesters without a name.</summary>
    public const string Unnamed = "fault lab";

    public static Requester Of(HttpRequest request) => new(
        Header(request, VisitorHeaders.Name), Header(request, VisitorHeaders.Role) is { } role ? WireName.Parse<FactoryRole>(role) : null, Header(request, VisitorHeaders.Address));

    public string By => Name is null or VisitorHeaders.Anonymous ? Unnamed : Name;

    private static string? Header(HttpRequest request, string name) => request.Headers[name].ToString() is { Length: > 0 } value ? Uri.UnescapeDataString(value) : null;
}
