using System.Security.Claims;
using FactoryMonitoring.Tests.Data;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace FactoryMonitoring.Tests.Browser;

/// <summary>An OpenID Connect provider that knows one client and lets in whom the test names, without asking for a password.</summary>
internal sealed class SignInProvider : IAsyncDisposable
{
    public const string ClientId = "factory-monitoring";
    public const string ClientSecret = "known-to-both";

    private readonly WebApplication _app;

    public SignInProvider()
    {
        Address = new($"http://127.0.0.1:{PostgresFixture.FreePort()}/");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(Address.ToString());
        builder.Services.AddAuthentication();
        builder.Services.AddOpenIddict().AddServer(options =>
        {
            options.SetIssuer(Address)
                .SetAuthorizationEndpointUris("connect/authorize").SetTokenEndpointUris("connect/token").SetEndSessionEndpointUris("connect/logout")
                .AllowAuthorizationCodeFlow().RequireProofKeyForCodeExchange()
                .RegisterScopes(Scopes.Profile)
                .AddEphemeralEncryptionKey().AddEphemeralSigningKey()
                .EnableDegradedMode();
            options.UseAspNetCore().EnableAuthorizationEndpointPassthrough().EnableTokenEndpointPassthrough().EnableEndSessionEndpointPassthrough().DisableTransportSecurityRequirement();
            options.AddEventHandler<ValidateAuthorizationRequestContext>(handler => handler.UseInlineHandler(context =>
            {
                if (context.ClientId != ClientId) context.Reject(Errors.InvalidClient);
                return default;
            }));
            options.AddEventHandler<ValidateTokenRequestContext>(handler => handler.UseInlineHandler(context =>
            {
                if (context.ClientId != ClientId || context.ClientSecret != ClientSecret) context.Reject(Errors.InvalidClient);
                return default;
            }));
            options.AddEventHandler<ValidateEndSessionRequestContext>(handler => handler.UseInlineHandler(_ => default));
        });
        _app = builder.Build();
        _app.UseAuthentication();
        _app.MapGet("/connect/authorize", Authorize);
        _app.MapPost("/connect/token", (Delegate)TokenAsync);
        _app.MapMethods("/connect/logout", ["GET", "POST"], () =>
        {
            SignedOut++;
            return Results.SignOut(new() { RedirectUri = "/" }, [OpenIddictServerAspNetCoreDefaults.AuthenticationScheme]);
        });
    }

    public Uri Address { get; }

    /// <summary>Who signs in next, and with which roles.</summary>
    public (string Name, string[] Roles) User { get; set; } = ("ada", ["viewer"]);

    /// <summary>How often somebody was signed out.</summary>
    public int SignedOut { get; private set; }

    public Task StartAsync() => _app.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private IResult Authorize(HttpContext context)
    {
        var identity = new ClaimsIdentity("provider", Claims.Name, Claims.Role);
        identity.SetClaim(Claims.Subject, $"id-of-{User.Name}").SetClaim(Claims.PreferredUsername, User.Name);
        foreach (var role in User.Roles) identity.AddClaim(new("roles", role));
        identity.SetScopes(context.GetOpenIddictServerRequest()!.GetScopes());
        identity.SetDestinations(_ => [Destinations.IdentityToken]);
        return Results.SignIn(new(identity), null, OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
    }

    private static async Task<IResult> TokenAsync(HttpContext context) => Results.SignIn(
        (await context.AuthenticateAsync(OpenIddictServerAspNetCoreDefaults.AuthenticationScheme)).Principal!, null, OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
}
