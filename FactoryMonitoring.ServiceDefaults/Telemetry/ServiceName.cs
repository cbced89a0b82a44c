using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>The name of the service as telemetry and database know it: OTEL_SERVICE_NAME, else the application's name.</summary>
public static class ServiceName
{
    public static string Of(IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Configuration["OTEL_SERVICE_NAME"] is { Length: > 0 } name ? name : builder.Environment.ApplicationName;
    }
}
