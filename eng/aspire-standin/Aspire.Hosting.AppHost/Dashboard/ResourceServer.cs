using System.Net;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dashboard;

/// <summary>The resource service on a port of its own on loopback, for whoever has the key.</summary>
internal sealed class ResourceServer(
    ResourceNotificationService notifications, ResourceLoggerService loggers, ResourceCommandService commands,
    IHostEnvironment environment, IHostApplicationLifetime lifetime) : IAsyncDisposable
{
    private WebApplication? _server;

    /// <summary>Listens on the port, or on a free one where it is 0; returns the address. Throws IOException when the port is taken.</summary>
    public async Task<string> StartAsync(int port, string apiKey, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
            options.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(notifications);
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton(commands);
        builder.Services.AddSingleton(environment);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(new ApplicationStopping(lifetime.ApplicationStopping));
        builder.Logging.ClearProviders();

        _server = builder.Build();
        var expected = Encoding.UTF8.GetBytes(apiKey);
        _server.Use((context, next) =>
        {
            var given = Encoding.UTF8.GetBytes(context.Request.Headers["x-resource-service-api-key"].ToString());
            if (CryptographicOperations.FixedTimeEquals(given, expected))
                return next(context);
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        });
        _server.MapGrpcService<ResourceService>();
        await _server.StartAsync(cancellationToken);
        return _server.Urls.Single();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
