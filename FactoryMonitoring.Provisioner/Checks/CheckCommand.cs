using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Provisioner.Checks;

/// <summary>
/// The argument <c>check</c>: checks brokers and database with the settings of a service, and changes nothing. The following arguments name the services whose
/// rights are checked, all services if none is named: each service can sign in as a different user.
/// </summary>
internal sealed class CheckCommand(IServiceProvider provider)
{
    public const string Name = "check";

    public const string Provisioner = "provisioner";
    public const string Sensors = "sensors";
    public const string Consumers = "consumers";
    public const string MonitoringApi = "monitoring-api";
    public const string MonitoringWeb = "monitoring-web";

    private static readonly string[] Services = [Provisioner, Sensors, Consumers, MonitoringApi, MonitoringWeb];

    /// <returns>The exit code: 0 if no check failed.</returns>
    public async Task<int> RunAsync(string[] services, CancellationToken cancellationToken)
    {
        if (services.Except(Services).FirstOrDefault() is { } unknown)
        {
            await Console.Error.WriteLineAsync($"{unknown} is no service that can be checked: {string.Join(", ", Services)} are");
            return 1;
        }

        HashSet<string> asked = [.. services.Length == 0 ? Services : services];
        var findings = await Task.WhenAll(
            provider.GetService<ClusterCheck>() is { } cluster ? cluster.ExamineAsync(asked, cancellationToken) : NotSet("kafka", ResourceNames.Kafka, EnvironmentNames.KafkaBrokers),
            provider.GetService<DatabaseCheck>() is { } database ? database.ExamineAsync(asked, cancellationToken) : NotSet("database", ResourceNames.Database, EnvironmentNames.DatabaseUrl));
        foreach (var finding in findings.SelectMany(each => each))
        {
            Console.WriteLine(finding);
        }

        return findings.All(each => each.All(finding => finding.Well)) ? 0 : 1;

        static Task<IReadOnlyList<Finding>> NotSet(string subject, string name, string variable) =>
            Task.FromResult<IReadOnlyList<Finding>>([new(true, subject, $"not looked at: ConnectionStrings:{name} (or {variable}) is not set")]);
    }
}
