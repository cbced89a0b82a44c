using System.Net;
using System.Security.Cryptography;
using System.Text;
using FactoryMonitoring.AppHost.Faults;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Lets a second terminal, and the fault lab, see and command the resources: a small server on loopback in the AppHost's process. Every request needs the
/// bearer token of the run.
/// </summary>
internal sealed class ControlEndpoint(FactorySetup setup, StackFile stack, IServiceProvider services) : LifecycleService
{
    private WebApplication? _app;

    public override async Task StartingAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, setup.ControlPort);
            kestrel.Limits.MaxRequestBodySize = 4096;
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddHostFiltering(hosts => hosts.AllowedHosts = ["localhost", "127.0.0.1", "[::1]"]);
        Type[] shared =
        [
            typeof(DistributedApplicationModel), typeof(ResourceCommandService), typeof(ResourceWatch), typeof(ExitLog), typeof(Doctor), typeof(FactorySetup),
            typeof(TimeProvider), typeof(ConsumerScale), typeof(RollingRestart), typeof(ReadingSender), typeof(PoisonMessages), typeof(LoadBurst), typeof(Links), typeof(CommandEndpoint),
        ];
        foreach (var type in shared)
            builder.Services.AddSingleton(type, services.GetRequiredService(type));
        _app = builder.Build();
        _app.UseHostFiltering();
        _app.Use(AuthorizeAsync);
        _app.UseRouting();
        _app.MapControl();
        _app.MapFaults();
        await _app.StartAsync(cancellationToken);
        stack.Write(setup.Settings.RunDirectory);
    }

    public override async Task StoppedAsync(CancellationToken cancellationToken)
    {
        StackFile.Remove(setup.Settings.RunDirectory);
        if (_app is null) return;
        // A command can take minutes, and a stopping server would wait for it.
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        impatience.CancelAfter(TimeSpan.FromSeconds(1));
        await _app.StopAsync(impatience.Token);
        await _app.DisposeAsync();
    }

    private Task AuthorizeAsync(HttpContext context, RequestDelegate next)
    {
        var expected = Encoding.UTF8.GetBytes($"Bearer {stack.Token}");
        var given = Encoding.UTF8.GetBytes(context.Request.Headers.Authorization.ToString());
        if (CryptographicOperations.FixedTimeEquals(expected, given)) return next(context);
        return Answers.Line(context.Request, StatusCodes.Status401Unauthorized, "the header Authorization is missing or wrong: Bearer and the token in stack.json are expected").ExecuteAsync(context);
    }
}
