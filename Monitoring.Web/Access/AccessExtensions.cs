using System.Security.Claims;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Monitoring;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>The minimum role that a request needs.</summary>
internal sealed record RoleRequirement(FactoryRole Role) : IAuthorizationRequirement;

internal sealed class RoleRequirementHandler : AuthorizationHandler<RoleRequirement>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, RoleRequirement requirement)
    {
        if (context.User.ToVisitor().May(requirement.Role)) context.Succeed(requirement);
        return Task.CompletedTask;
    }
}

internal static class AccessExtensions
{
    public const string SignInPath = "/sign-in";
    public const string SignOutPath = "/sign-out";

    private const string Either = "Either";
    private const string CookieName = "factory-monitoring";

    /// <summary>Adds the access control: every request needs the role viewer, unless its endpoint requires more or allows anonymous access.</summary>
    public static void AddAccess(this IServiceCollection services, AccessSettings settings)
    {
        services.AddSingleton(settings);
        services.AddOptions<AccessSettingsCheck>().Validate(_ => settings.Failure.Length == 0, settings.Failure).ValidateOnStart();
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<EndedSessions>();
        // After a restart, nobody knows any more who has signed out.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddSingleton<AuditQueue>();
        services.AddSingleton<AuditTrail>();
        services.AddHostedService(provider => provider.GetRequiredService<AuditTrail>());
        services.AddScoped<CurrentVisitor>();
        services.AddSingleton<IAuthorizationHandler, RoleRequirementHandler>();
        services.AddAuthorizationBuilder().SetFallbackPolicy(PolicyOf(FactoryRole.Viewer)).SetDefaultPolicy(PolicyOf(FactoryRole.Viewer));
        var authentication = services.AddAuthentication(options =>
        {
            options.DefaultScheme = Either;
            options.DefaultChallengeScheme = options.DefaultForbidScheme = VisitorHandler.SchemeName;
            options.DefaultSignInScheme = CookieAuthenticationDefaults.AuthenticationScheme;
        });
        authentication.AddPolicyScheme(Either, null, options => options.ForwardDefaultSelector = context =>
            settings.Authority is not null && !VisitorHandler.BearsKey(context.Request) && context.Request.Cookies.ContainsKey(CookieName)
                ? CookieAuthenticationDefaults.AuthenticationScheme
                : VisitorHandler.SchemeName);
        authentication.AddScheme<AuthenticationSchemeOptions, VisitorHandler>(VisitorHandler.SchemeName, null);
        if (settings.Authority is not null) AddSignIn(authentication, settings);
    }

    public static TBuilder RequireRole<TBuilder>(this TBuilder endpoint, FactoryRole role)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireAuthorization(PolicyOf(role));

    /// <summary>Determines the visitor and their address, before authorization.</summary>
    public static void UseAccess(this WebApplication app)
    {
        app.UseAuthentication();
        app.Use((context, next) =>
        {
            context.User.SetAddress(VisitorClaims.AddressOf(context));
            return next(context);
        });
        app.UseAuthorization();
    }

    public static void MapAccess(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(SignInPath, (AccessSettings settings, string? to) => settings.Authority is null
            ? Results.Redirect("/")
            : Results.Challenge(new() { RedirectUri = IsOwn(to) ? to : "/" }, [OpenIdConnectDefaults.AuthenticationScheme])).AllowAnonymous();
        routes.MapPost(SignOutPath, (HttpContext context, AccessSettings settings, EndedSessions ended, AuditTrail audit) =>
        {
            ended.Add(context.User);
            if (context.User.SessionId() is not null) audit.Add(context.User.ToVisitor(), "sign out", true, "signed out");
            return settings.Authority is null
                ? Results.Redirect("/")
                : Results.SignOut(new() { RedirectUri = "/" }, [CookieAuthenticationDefaults.AuthenticationScheme, OpenIdConnectDefaults.AuthenticationScheme]);
        }).AllowAnonymous().DisableAntiforgery();
    }

    private static AuthorizationPolicy PolicyOf(FactoryRole role) => new AuthorizationPolicyBuilder().AddRequirements(new RoleRequirement(role)).Build();

    private static void AddSignIn(AuthenticationBuilder authentication, AccessSettings settings)
    {
        authentication.AddCookie(options =>
        {
            options.Cookie.Name = CookieName;
            options.Cookie.SameSite = SameSiteMode.Lax;
            options.ExpireTimeSpan = settings.Lifetime;
            options.SlidingExpiration = false;
            options.Events.OnValidatePrincipal = context =>
            {
                if (context.HttpContext.RequestServices.GetRequiredService<EndedSessions>().IsOver(context.Principal!)) context.RejectPrincipal();
                return Task.CompletedTask;
            };
        });
        authentication.AddOpenIdConnect(options =>
        {
            options.Authority = settings.Authority!.ToString();
            options.RequireHttpsMetadata = !settings.Authority.IsLoopback;
            options.ClientId = settings.ClientId;
            options.ClientSecret = settings.ClientSecret;
            // The code is in the query of a redirect, so that no cookie has to be sent with a cross-site form.
            options.ResponseType = OpenIdConnectResponseType.Code;
            options.ResponseMode = OpenIdConnectResponseMode.Query;
            options.CorrelationCookie.SameSite = options.NonceCookie.SameSite = SameSiteMode.Lax;
            options.CorrelationCookie.SecurePolicy = options.NonceCookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.MapInboundClaims = false;
            options.Events.OnTokenValidated = context =>
            {
                var time = context.HttpContext.RequestServices.GetRequiredService<TimeProvider>();
                var claims = context.Principal!;
                var name = claims.FindFirstValue("preferred_username") ?? claims.FindFirstValue("name") ?? claims.FindFirstValue("email") ?? claims.FindFirstValue("sub") ?? "?";
                var role = settings.RoleOf([.. claims.FindAll(settings.RoleClaim).Select(claim => claim.Value)]);
                context.Principal = new(VisitorClaims.Identity(CookieAuthenticationDefaults.AuthenticationScheme, name, role, time.GetUtcNow() + settings.Lifetime));
                Audit(context.HttpContext).Add(
                    new(name, role, VisitorClaims.AddressOf(context.HttpContext)), "sign in", true,
                    role is null ? $"signed in, without a role: no value of the claim {settings.RoleClaim} gives one" : "signed in");
                // The provider needs the id token at sign-out to identify the session; the other tokens are not needed.
                if (context.TokenEndpointResponse?.IdToken is { } idToken) context.Properties!.StoreTokens([new() { Name = OpenIdConnectParameterNames.IdToken, Value = idToken }]);
                return Task.CompletedTask;
            };
            options.Events.OnRemoteFailure = context =>
            {
                context.HandleResponse();
                Audit(context.HttpContext).Add(Visitor.Nobody with { Address = VisitorClaims.AddressOf(context.HttpContext) }, "sign in", false, context.Failure?.Message ?? "failed");
                return TypedResults.Problem(
                    $"{settings.Authority} did not let you in: {context.Failure?.Message}", statusCode: StatusCodes.Status403Forbidden, title: "Sign-in failed").ExecuteAsync(context.HttpContext);
            };
        });
    }

    private static AuditTrail Audit(HttpContext context) => context.RequestServices.GetRequiredService<AuditTrail>();

    /// <summary>Returns whether this is a path of this site, and not the address of another one. Browsers remove tabs and line ends from addresses.</summary>
    private static bool IsOwn(string? path) => path is ['/', ..] and not ['/', '/' or '\\', ..] && !path.Any(char.IsControl);
}

/// <summary>Represents the access settings among the options that are checked at startup.</summary>
internal sealed class AccessSettingsCheck;
