using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>
/// Sends what telemetry is left, within a limit. To dispose of the providers would do it, too, but with 5 s for each of traces, metrics and logs: where
/// nobody takes them, a service would outlive the 6 s that Aspire gives it to stop.
/// </summary>
internal static class TelemetryEnd
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(500);

    public static async Task SendRestAsync(IServiceProvider services)
    {
        var limit = (int)Limit.TotalMilliseconds;
        Task[] ends =
        [
            Task.Run(() => services.GetService<TracerProvider>()?.Shutdown(limit)),
            Task.Run(() => services.GetService<MeterProvider>()?.Shutdown(limit)),
            Task.Run(() => services.GetService<LoggerProvider>()?.Shutdown(limit)),
        ];
        await Task.WhenAll(ends);
    }
}
