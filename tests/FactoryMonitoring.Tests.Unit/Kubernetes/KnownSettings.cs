using System.Text.RegularExpressions;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Monitoring.Api.Monitor;
using FactoryMonitoring.Monitoring.Api.Snapshots;
using FactoryMonitoring.Provisioner;
using FactoryMonitoring.Sensors;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.Tests.Unit.Kubernetes;

/// <summary>The variables that each service understands, according to its code.</summary>
internal static partial class KnownSettings
{
    private static readonly string[] Database = [EnvironmentNames.DatabaseUrl, SecretFiles.FileOf(EnvironmentNames.DatabaseUrl), SecretFiles.FileOf(EnvironmentNames.DatabasePassword)];

    private static readonly string[] Brokers = [.. Database, EnvironmentNames.KafkaBrokers, EnvironmentNames.SensorTopic, EnvironmentNames.AlertTopic, EnvironmentNames.ConsumerGroup];

    private static readonly string[] Everywhere = ["AllowedHosts", "ASPNETCORE_HTTP_PORTS", "OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", SecretFiles.FileOf("OTEL_EXPORTER_OTLP_HEADERS")];

    private static readonly Dictionary<string, string[]> Names = new()
    {
        ["factory-monitoring/provisioner"] =
        [
            .. Brokers, SecretFiles.FileOf(EnvironmentNames.DatabaseIngestPassword), SecretFiles.FileOf(EnvironmentNames.DatabaseSensorPassword),
            SecretFiles.FileOf(EnvironmentNames.DatabaseMonitorPassword), SecretFiles.FileOf(EnvironmentNames.DatabaseAuditPassword),
        ],
        ["factory-monitoring/sensors"] =
        [
            .. Database, EnvironmentNames.KafkaBrokers, EnvironmentNames.SensorTopic, EnvironmentNames.ProducerId, EnvironmentNames.SensorId, EnvironmentNames.SensorType,
            EnvironmentNames.SamplingInterval, EnvironmentNames.FactorySection, EnvironmentNames.MachineId, EnvironmentNames.Zone,
        ],
        ["factory-monitoring/consumers"] = [.. Brokers, EnvironmentNames.ConsumerId],
        ["factory-monitoring/monitoring-api"] = [.. Brokers, EnvironmentNames.MonitoringApiHost, EnvironmentNames.MonitoringApiPort],
        ["factory-monitoring/monitoring-web"] =
        [
            .. Database, EnvironmentNames.MonitoringHost, EnvironmentNames.MonitoringPort, EnvironmentNames.MonitoringPublishedOn, EnvironmentNames.AllowAnonymousView,
            EnvironmentNames.MonitoringApiHost, EnvironmentNames.MonitoringApiPort,
        ],
    };

    // Sections and the options that they are bound to.
    private static readonly Dictionary<string, (string Section, Type Options)[]> Sections = new()
    {
        ["factory-monitoring/provisioner"] = [(ProvisionerOptions.Section, typeof(ProvisionerOptions))],
        ["factory-monitoring/sensors"] = [(SensorsOptions.Section, typeof(SensorsOptions))],
        ["factory-monitoring/consumers"] =
            [(ConsumersOptions.Section, typeof(ConsumersOptions)), (MessagesOptions.Section, typeof(MessagesOptions)), (DetectionOptions.Section, typeof(DetectionOptions))],
        ["factory-monitoring/monitoring-api"] = [(SnapshotOptions.Section, typeof(SnapshotOptions)), (SilenceOptions.Section, typeof(SilenceOptions))],
        ["factory-monitoring/monitoring-web"] = [],
    };

    // The project is not referenced here, so the keys are found in its source code.
    private static readonly string[] SignIn =
        [.. AskedOfSection().Matches(Repository.Read("Monitoring.Web", "Access", "AccessSettings.cs")).Select(match => $"SignIn:{match.Groups[1].Value}")];

    /// <summary>Returns what is wrong with the variables of a service: an unknown name, or a value that its options do not accept.</summary>
    /// <param name="image">Image of the service, without registry and tag.</param>
    /// <param name="variables">A null value is unknown here because it comes from a Secret or a field.</param>
    public static IEnumerable<string> Problems(string image, IReadOnlyDictionary<string, string?> variables)
    {
        (string Section, Type Options)[] sections = [.. Sections[image], (TelemetryOptions.Section, typeof(TelemetryOptions))];
        var bound = sections.ToDictionary(each => each.Section, _ => new Dictionary<string, string?>());
        foreach (var (name, value) in variables)
        {
            var key = name.Replace("__", ":", StringComparison.Ordinal);
            if (Everywhere.Contains(name) || Names[image].Contains(name) || key.StartsWith("Logging:LogLevel:", StringComparison.Ordinal)) continue;
            if (image.EndsWith("-web", StringComparison.Ordinal) && SignIn.Contains(key)) continue;
            if (!image.EndsWith("-web", StringComparison.Ordinal) && key.StartsWith($"{KafkaSecurity.Section}:", StringComparison.Ordinal))
            {
                // Read reports an unknown setting before any other problem.
                var (_, problem) = KafkaSecurity.Read([new(key[(KafkaSecurity.Section.Length + 1)..], value ?? "x")]);
                if (problem?.Contains("there is no such setting", StringComparison.Ordinal) == true) yield return problem;
            }
            else if (sections.Where(each => key.StartsWith($"{each.Section}:", StringComparison.Ordinal)).OrderByDescending(each => each.Section.Length).FirstOrDefault() is { Section: not null } section)
            {
                bound[section.Section][key] = value;
            }
            else
            {
                yield return $"the variable {name} is none of {image}";
            }
        }

        foreach (var (section, options) in sections)
        {
            if (Bind(section, options, bound[section]) is { } problem) yield return problem;
        }
    }

    private static string? Bind(string section, Type type, Dictionary<string, string?> values)
    {
        try
        {
            new ConfigurationBuilder().AddInMemoryCollection(values).Build().GetSection(section)
                .Bind(Activator.CreateInstance(type)!, binder => binder.ErrorOnUnknownConfiguration = true);
            return null;
        }
        catch (InvalidOperationException exception)
        {
            return exception.Message;
        }
    }

    [GeneratedRegex("""section\["(\w+)"\]""")]
    private static partial Regex AskedOfSection();
}
