using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.ServiceDefaults.Health;

/// <summary>
/// Limits every check to 4 s. The check's cancellation token is not sufficient: a client that waits for a frozen server to process the cancellation
/// takes longer, and /health would hang with it.
/// </summary>
internal sealed class BoundedHealthChecks : IPostConfigureOptions<HealthCheckServiceOptions>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(4);

    public void PostConfigure(string? name, HealthCheckServiceOptions options)
    {
        foreach (var registration in options.Registrations)
        {
            var factory = registration.Factory;
            registration.Factory = services => new Bounded(factory(services));
        }
    }

    private sealed class Bounded(IHealthCheck check) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                return await Task.Run(() => check.CheckHealthAsync(context, cancellationToken), cancellationToken).WaitAsync(Limit, cancellationToken);
            }
            catch (TimeoutException)
            {
                return new HealthCheckResult(context.Registration.FailureStatus, $"no answer within {Limit.TotalSeconds} s");
            }
        }
    }
}
