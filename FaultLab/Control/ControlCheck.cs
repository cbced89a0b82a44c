using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FactoryMonitoring.FaultLab.Control;

/// <summary>Checks whether the AppHost's control endpoint answers.</summary>
internal sealed class ControlCheck(ControlClient control) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await control.FaultsAsync(cancellationToken) is null
            ? new HealthCheckResult(context.Registration.FailureStatus, "the control endpoint of the AppHost does not answer")
            : HealthCheckResult.Healthy();
}
