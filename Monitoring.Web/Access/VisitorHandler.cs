using System.Security.Claims;
using System.Text.Encodings.Web;
using FactoryMonitoring.Contracts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>
/// Authenticates visitors who did not sign in: with an API key (<c>Authorization: Bearer</c>) they are its owner, without one they have the anonymous role.
/// Also answers requests that are refused: pages redirect to the provider, everything else answers 401 or 403.
/// </summary>
internal sealed class VisitorHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, AccessSettings settings, ApiKeys keys, AuditTrail audit)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "Visitor";

    private const string Bearer = "Bearer ";

    /// <summary>Returns whether a request has a key, in which case cookies are ignored.</summary>
    public static bool BearsKey(HttpRequest request) => request.Headers.Authorization.ToString().StartsWith(Bearer, StringComparison.OrdinalIgnoreCase);

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (BearsKey(Request))
        {
            return Task.FromResult(keys.Find(Request.Headers.Authorization.ToString()[Bearer.Length..].Trim()) is { } key
                ? Ticket(key.Name, key.Role, key.Sha256)
                : AuthenticateResult.Fail("unknown API key"));
        }

        return Task.FromResult(settings.Anonymous is { } role ? Ticket(VisitorHeaders.Anonymous, role) : AuthenticateResult.NoResult());
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (settings.Authority is not null && IsPage(Request))
        {
            return Context.ChallengeAsync(OpenIdConnectDefaults.AuthenticationScheme, new() { RedirectUri = Request.PathBase + Request.Path + Request.QueryString });
        }

        if (BearsKey(Request)) audit.AddRefused(Context, "unknown API key");
        Response.Headers.WWWAuthenticate = "Bearer";
        return TypedResults.Problem(
            BearsKey(Request) ? "The API key is not known." : "Send an API key (Authorization: Bearer …), or open the page and sign in.",
            statusCode: StatusCodes.Status401Unauthorized,
            title: "Not signed in").ExecuteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var policies = Context.GetEndpoint()?.Metadata.GetOrderedMetadata<AuthorizationPolicy>() ?? [];
        var needed = policies.SelectMany(policy => policy.Requirements).OfType<RoleRequirement>().Select(requirement => requirement.Role).DefaultIfEmpty(FactoryRole.Viewer).Max();
        var refusal = Context.User.ToVisitor().Refusal(needed);
        audit.AddRefused(Context, refusal);
        return TypedResults.Problem(refusal, statusCode: StatusCodes.Status403Forbidden, title: "Not allowed").ExecuteAsync(Context);
    }

    private static bool IsPage(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase) && !request.Path.StartsWithSegments("/api");

    private static AuthenticateResult Ticket(string name, FactoryRole role, string? keyHash = null) =>
        AuthenticateResult.Success(new(new ClaimsPrincipal(VisitorClaims.Identity(SchemeName, name, role, keyHash)), SchemeName));
}
