using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FactoryMonitoring.ServiceDefaults.Telemetry;

/// <summary>Adds traces, metrics and logs; exports them by OTLP if OTEL_EXPORTER_OTLP_ENDPOINT is set, and metrics always to Prometheus.</summary>
internal static class TelemetryExtensions
{
    private const string Own = "FactoryMonitoring.*";

    /// <summary>Paths that are polled, or open for as long as a page is: no trace begins here.</summary>
    private static readonly string[] Polled = ["/health", "/alive", "/metrics", "/brokers", "/api/system-status", "/api/stream", "/api/experiments/runs", "/_blazor"];

    /// <summary>Upper bounds, in seconds, of the buckets of the product's durations.</summary>
    private static readonly double[] DurationBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    public static void AddFactoryTelemetry(this IHostApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddConsole(console => console.FormatterName ??= OneLineFormatter.FormatterName);
        builder.Logging.AddConsoleFormatter<OneLineFormatter, ConsoleFormatterOptions>();
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });

        builder.Services.AddOptions<TelemetryOptions>().BindConfiguration(TelemetryOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<TelemetryOptions>, TelemetryOptionsValidator>();
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(ServiceName.Of(builder), autoGenerateServiceInstanceId: false))
            .WithMetrics(metrics => metrics
                .AddMeter(Own, "Npgsql")
                .AddView(OfOurDurations)
                .SetExemplarFilter(ExemplarFilterType.TraceBased)
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddPrometheusExporter())
            .WithTracing(tracing => tracing
                .SetSampler(services => SamplerOf(services.GetRequiredService<IOptions<TelemetryOptions>>().Value, services.GetRequiredService<TimeProvider>()))
                .AddSource(Own)
                .AddAspNetCoreInstrumentation(web =>
                {
                    web.Filter = IsWorthATrace;
                    // Traces of an open page are for the user's actions, not for each message to the browser or for the connection itself.
                    web.EnableAspNetCoreSignalRSupport = false;
                    web.EnableRazorComponentsSupport = false;
                })
                .AddSource("Microsoft.AspNetCore.Components")
                .AddHttpClientInstrumentation());
        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            telemetry.UseOtlpExporter();
        }
    }

    private static ExplicitBucketHistogramConfiguration? OfOurDurations(Instrument instrument) =>
        instrument.Unit == "s" && instrument.Meter.Name.StartsWith("FactoryMonitoring.", StringComparison.Ordinal)
        && instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Histogram<>)
            ? new ExplicitBucketHistogramConfiguration { Boundaries = DurationBounds }
            : null;

    private static TraceSampler SamplerOf(TelemetryOptions options, TimeProvider time) => new(options.TracesPerSecond, options.MessageTracesPerSecond, time);

    private static bool IsWorthATrace(HttpContext context) =>
        !Array.Exists(Polled, path => context.Request.Path.StartsWithSegments(path, StringComparison.Ordinal))
        // A page's scripts and styles.
        && !Path.HasExtension(context.Request.Path);
}
