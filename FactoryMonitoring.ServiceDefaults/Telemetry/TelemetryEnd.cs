using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>
/// Sends the remaining telemetry, within a time limit. Disposing of the providers would send it, too, but takes up to 5 s each for traces, metrics and logs: if
/// no collector accepts them, a service would exceed the 6 s that Aspire gives it to stop.
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
