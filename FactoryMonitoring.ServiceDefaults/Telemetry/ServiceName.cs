using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>The name of the service in telemetry and in the database: OTEL_SERVICE_NAME, otherwise the application's name.</summary>
public static class ServiceName
{
    public static string Of(IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Configuration["OTEL_SERVICE_NAME"] is { Length: > 0 } name ? name : builder.Environment.ApplicationName;
    }
}
