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
    // Static assets are beside the assembly, whatever directory the process was started in.
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    var addresses = new Addresses(builder.Configuration);
    builder.WebHost.UseUrls(addresses.ListenOn).UseStaticWebAssets();
    builder.AddServiceDefaults();
    // The page's port is published, unlike those of the other services: it answers to any name only if the setting says so, even in a container.
    if (builder.Configuration[ServiceDefaultsExtensions.AllowedHosts] is not "*" and var allowed)
    {
        builder.Configuration[ServiceDefaultsExtensions.AllowedHosts] =
            string.Join(';', [string.IsNullOrEmpty(allowed) ? ServiceDefaultsExtensions.LoopbackNames : allowed, .. addresses.Names]);
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
        // A page that has lost its connection for longer can as well be reloaded; until then it costs as much as an open one.
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
