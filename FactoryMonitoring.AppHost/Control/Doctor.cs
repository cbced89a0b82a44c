using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Prometheus;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>The result of the check of one part of the factory.</summary>
internal sealed record Finding(bool Well, string Subject, string Text);

/// <summary>Checks whether every part can reach what it depends on.</summary>
internal sealed class Doctor(DistributedApplicationModel model, FactoryDatabase database, ResourceWatch watch, TimeProvider time) : IDisposable
{
    private readonly HttpClient _client = LocalHttp.CreateClient(TimeSpan.FromSeconds(5));

    /// <summary>Checks the brokers, the database, and the readiness of every service, which covers its dependencies.</summary>
    public async Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellationToken)
    {
        Finding[] parts = await Task.WhenAll(model.Resources.Select(resource => ExamineAsync(resource, cancellationToken)).OfType<Task<Finding>>());
        var probe = new PostgresProbe(database);
        var (unassigned, scattered) = (await probe.UnassignedAsync(cancellationToken), await probe.ScatteredAsync(cancellationToken));
        return
        [
            .. parts,
            .. unassigned is null ? [] : new Finding[] { new(false, "partitions", unassigned) },
            .. scattered is null ? [] : new Finding[] { new(false, "sensors", scattered) },
        ];
    }

    public void Dispose() => _client.Dispose();

    private Task<Finding>? ExamineAsync(IResource resource, CancellationToken cancellationToken)
    {
        switch (resource)
        {
            case IKafkaBroker broker:
                return TimeAsync(resource, $"{KafkaClusterResource.Host}:{broker.Port}", () => KafkaProbe.AskAsync(broker.Port, cancellationToken));
            case KafkaClusterResource { Backing: KafkaBacking.External } cluster:
                return TimeAsync(resource, cluster.Bootstrap, () => ExternalKafkaProbe.AskAsync(cluster, cancellationToken));
            case not null when resource == database.Resource.Resource:
                return TimeAsync(resource, $"{database.Name} at {(database.Host.Contains(',', StringComparison.Ordinal) ? database.Host : $"{database.Host}:{database.Port}")}", () => new PostgresProbe(database).AskForRoomAsync(cancellationToken));
            case ProjectResource project when watch.Find(resource.Name) is { State.Text: var state } snapshot:
                if (state == KnownResourceStates.NotStarted || state is null) return null;
                if (state == KnownResourceStates.Running && project.GetEndpoint("http") is { Exists: true, IsAllocated: true, Url: var url })
                    return TimeAsync(resource, $"{url}/health", () => HealthAsync($"{url}/health", cancellationToken));
                // A process that was stopped on request has no exit code.
                var well = state != KnownResourceStates.FailedToStart && snapshot.ExitCode is null or 0;
                return Task.FromResult(new Finding(well, resource.Name, snapshot.ExitCode is { } code ? $"{state}, exit code {code}" : state));
            case ExecutableResource { Name: PrometheusBuilderExtensions.Name } when watch.Find(resource.Name)?.Urls.FirstOrDefault()?.Url is { } address:
                return TimeAsync(resource, address, () => HealthAsync($"{address.TrimEnd('/')}{PrometheusBuilderExtensions.ReadyPath}", cancellationToken));
            default:
                return null;
        }
    }

    private async Task<Finding> TimeAsync(IResource resource, string what, Func<Task<string?>> ask)
    {
        var start = time.GetTimestamp();
        var problem = (await ask(), ServerOf(resource).DiskProblem()) switch
        {
            (null, null) => null,
            (null, { } full) => full,
            ({ } other, { } full) => $"{other}; {full}",
            ({ } other, null) => other,
        };
        return new Finding(problem is null, resource.Name, problem is null ? $"{what} answers in {time.GetElapsedTime(start).TotalMilliseconds:F0} ms" : $"{what}: {problem}");
    }

    // The database resource has no disk; its server has one.
    private IResource ServerOf(IResource resource) =>
        resource == database.Resource.Resource ? model.Resources.FirstOrDefault(server => server.Name == ResourceNames.Postgres) ?? resource : resource;

    private async Task<string?> HealthAsync(string url, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _client.GetAsync(new Uri(url), cancellationToken);
            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.IsSuccessStatusCode ? null : $"{(int)response.StatusCode} {body.ReplaceLineEndings(" ")}";
        }
        catch (Exception exception) when (exception.IsNoAnswer(cancellationToken))
        {
            return exception.Message;
        }
    }
}
