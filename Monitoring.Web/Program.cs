using FactoryMonitoring.Monitoring.Web;
using FactoryMonitoring.Monitoring.Web.Access;
using FactoryMonitoring.Monitoring.Web.Api;
using FactoryMonitoring.Monitoring.Web.FaultLab;
using FactoryMonitoring.Monitoring.Web.Layout;
using FactoryMonitoring.Monitoring.Web.Live;
using FactoryMonitoring.ServiceDefaults.Running;
using MudBlazor;
using MudBlazor.Services;

if (HealthProbe.IsAsked(args)) return await HealthProbe.AskAsync(configuration => new Addresses(configuration).ListenOn);
if (ApiKeyCommand.IsAsked(args)) return ApiKeyCommand.Run(args);

return await RunServiceExtensions.RunServiceAsync(() =>
{
    // Static assets lie beside the assembly, wherever the process was started.
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    var addresses = new Addresses(builder.Configuration);
    builder.WebHost.UseUrls(addresses.ListenOn).UseStaticWebAssets();
    builder.AddServiceDefaults();
    // Who gives the page another address opens it by that.
    if (builder.Configuration[ServiceDefaultsExtensions.AllowedHosts] is { Length: > 0 } and not "*" and var allowed)
    {
        builder.Configuration[ServiceDefaultsExtensions.AllowedHosts] = string.Join(';', [allowed, .. addresses.Names]);
    }

    builder.Services.AddSingleton(addresses);
    builder.Services.AddOptions<AddressCheck>().Validate(_ => addresses.Failure.Length == 0, addresses.Failure).ValidateOnStart();
    builder.AddOptionalFactoryDatabase();
    builder.Services.AddAccess(new AccessSettings(builder.Configuration, addresses));
    builder.Services.AddClientLimits();
    builder.Services.AddHttpForwarder();
    builder.Services.AddSingleton<MonitoringApiConnection>();
    builder.Services.AddSingleton<FaultLabConnection>();
    builder.Services.AddSingleton<ServiceConnections>();
    builder.Services.AddSingleton<ApiQueries>();
    builder.Services.AddSingleton<FaultCommands>();
    builder.Services.AddSingleton<LiveState>();
    builder.Services.AddLoopHeartbeat(LiveFeedWorker.Heartbeat, TimeSpan.FromSeconds(4));
    builder.Services.AddHostedService<LiveFeedWorker>();
    builder.Services.AddHostedService<LiveDetailsWorker>();
    builder.Services.AddHostedService<LiveFanOutWorker>();
    builder.Services.AddMudServices(mud => mud.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomRight);
    builder.Services.AddRazorComponents().AddInteractiveServerComponents(circuits =>
    {
        // A page that lost its connection for longer is as well loaded anew; until then it costs what an open one costs.
        circuits.DisconnectedCircuitMaxRetained = 20;
        circuits.DisconnectedCircuitRetentionPeriod = TimeSpan.FromMinutes(1);
    });

    var app = builder.Build();
    app.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true);
    app.Use(ForeignPages.RefuseAsync);
    app.Use(SecurityHeaders.AddAsync);
    app.UseAccess();
    app.UseRateLimiter();
    app.UseAntiforgery();
    app.MapAccess();
    app.MapApiPassThrough();
    app.MapStaticAssets().AllowAnonymous();
    app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
    app.MapDefaultEndpoints();
    return app;
});
