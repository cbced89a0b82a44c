using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>
/// Repeats a health check every 100 ms, for 5 s, until the resource is healthy. Aspire itself waits 1, 2, 3, 4, then 5 s after each unhealthy result, and
/// dependent resources wait as long.
/// </summary>
internal sealed class PatientHealthCheck(IHealthCheck check, TimeProvider time) : IHealthCheck
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            var result = await check.CheckHealthAsync(context, cancellationToken);
            if (result.Status == HealthStatus.Healthy || time.GetElapsedTime(start) >= Patience) return result;
            await Task.Delay(Interval, time, cancellationToken);
        }
    }
}
