using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Claims;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>A visitor, and what they may do.</summary>
/// <param name="Role">The role; null if they may do nothing.</param>
/// <param name="Address">The address of their machine, as this machine sees it.</param>
internal sealed record Visitor(string Name, FactoryRole? Role, string? Address)
{
    public static readonly Visitor Nobody = new(VisitorHeaders.Anonymous, null, null);

    public bool May(FactoryRole needed) => Role >= needed;

    /// <summary>Names the visitor to the fault lab, replacing the request's own headers.</summary>
    public void WriteTo(HttpHeaders headers)
    {
        foreach (var (header, value) in (ReadOnlySpan<(string, string?)>)[(VisitorHeaders.Name, Name), (VisitorHeaders.Role, Role is { } role ? WireName.Of(role) : null), (VisitorHeaders.Address, Address)])
        {
            headers.Remove(header);
            if (value is not null) headers.TryAddWithoutValidation(header, Uri.EscapeDataString(value));
        }
    }

    /// <summary>Returns the message that the visitor lacks the role.</summary>
    public string Refusal(FactoryRole needed) =>
        $"{Name} {(Role is { } role ? $"is {WireName.Of(role)}" : "has no role here")}: only {(needed == FactoryRole.Breaker ? "a breaker" : $"{WireName.Of(needed)}s and above")} may do this.";
}

/// <summary>The claims that keep a visitor's data from request to request.</summary>
internal static class VisitorClaims
{
    private const string Role = "factory_role";
    private const string Address = "factory_address";
    private const string Expires = "factory_expires";
    private const string Session = "factory_session";
    private const string Key = "factory_key";

    /// <param name="keyHash">The hash of the visitor's API key; null if they have none.</param>
    public static ClaimsIdentity Identity(string scheme, string name, FactoryRole? role, string? keyHash = null)
    {
        var identity = new ClaimsIdentity(scheme, ClaimTypes.Name, Role);
        identity.AddClaim(new(ClaimTypes.Name, name));
        if (role is { } known) identity.AddClaim(new(Role, WireName.Of(known)));
        if (keyHash is not null) identity.AddClaim(new(Key, keyHash));
        return identity;
    }

    /// <summary>Creates the identity of a user who signs in now.</summary>
    public static ClaimsIdentity Identity(string scheme, string name, FactoryRole? role, DateTimeOffset expires)
    {
        var identity = Identity(scheme, name, role);
        identity.AddClaim(new(Expires, expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)));
        identity.AddClaim(new(Session, Guid.NewGuid().ToString("N")));
        return identity;
    }

    /// <summary>Keeps the address of the request, because a circuit has none.</summary>
    public static void SetAddress(this ClaimsPrincipal user, string? address)
    {
        if (user.Identity is not ClaimsIdentity identity || address is null) return;
        if (identity.FindFirst(Address) is { } before) identity.RemoveClaim(before);
        identity.AddClaim(new(Address, address));
    }

    public static string? AddressOf(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : null;

    public static Visitor ToVisitor(this ClaimsPrincipal user) =>
        new(user.Identity?.Name ?? VisitorHeaders.Anonymous, user.FindFirstValue(Role) is { } role ? WireName.Parse<FactoryRole>(role) : null, user.FindFirstValue(Address));

    /// <summary>Returns when the user has to sign in again; null if they did not sign in.</summary>
    public static DateTimeOffset? ExpiresAt(this ClaimsPrincipal user) =>
        long.TryParse(user.FindFirstValue(Expires), CultureInfo.InvariantCulture, out var seconds) ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    public static string? KeyHash(this ClaimsPrincipal user) => user.FindFirstValue(Key);

    public static string? SessionId(this ClaimsPrincipal user) => user.FindFirstValue(Session);
}
