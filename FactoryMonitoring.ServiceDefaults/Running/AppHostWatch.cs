using System.Diagnostics;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Running;

/// <summary>
/// Stops the service when the AppHost that started it was killed. Aspire's orchestrator also ends what it had started, seconds later and the brokers and the
/// database first, without which no service can finish its work. Watches nothing if another program started the service.
/// </summary>
public sealed partial class AppHostWatch(IConfiguration configuration, IHostApplicationLifetime lifetime, ILogger<AppHostWatch> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!int.TryParse(configuration[EnvironmentNames.AppHostProcess], out var id)) return;
        try
        {
            using var host = Process.GetProcessById(id);
            await host.WaitForExitAsync(stoppingToken);
        }
        catch (ArgumentException)
        {
            // It is already gone.
        }

        Log.Gone(logger, id);
        lifetime.StopApplication();
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The AppHost, process {Id}, that started this service is gone: stopping")]
        public static partial void Gone(ILogger logger, int id);
    }
}
