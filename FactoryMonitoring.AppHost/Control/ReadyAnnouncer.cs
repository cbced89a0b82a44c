using System.Net.Http.Json;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Reports in one line that the factory is ready: the page answers, the monitoring API shows every sensor, and as many consumers as start, as active, and readings
/// of this run are stored. The API, on loopback, does not ask who asks.
/// </summary>
internal sealed class ReadyAnnouncer(FactorySetup setup, DistributedApplicationModel model, ResourceWatch watch, IConfiguration configuration, TimeProvider time) : LifetimeService
{
    private static readonly string[] Sensors = [.. SensorCatalog.Types.Values.Select(type => ResourceNames.Sensor(type.Name))];
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var start = time.GetTimestamp();
        var next = Long;
        string? told = null;
        // With MONITORING_HOST it may listen on one address alone.
        var host = configuration[EnvironmentNames.MonitoringHost] is { Length: > 0 } said && said is not ("0.0.0.0" or "::" or "[::]" or "*" or "+") ? said : "localhost";
        var page = new UriBuilder(Uri.UriSchemeHttp, host, setup.WebPort).Uri;
        long? storedBefore = null;
        using var client = LocalHttp.CreateClient(TimeSpan.FromSeconds(2));
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var (producers, consumers, stored) = await ReadAsync(client, stoppingToken);
            storedBefore ??= stored;
            var elapsed = time.GetElapsedTime(start);
            if (producers == Sensors.Length && consumers >= setup.Settings.Consumers && stored > storedBefore && await AnswersAsync(client, page, stoppingToken))
            {
                Console.WriteLine($"Ready after {elapsed.TotalSeconds:F0} s: {producers} producers and {consumers} consumers active at {page.GetLeftPart(UriPartial.Authority)}");
                return;
            }
            if (elapsed < next) continue;
            var missing = model.Resources.Where(resource => resource.WorkerOf() is not null && watch.Find(resource.Name) is { } snapshot
                && snapshot.State?.Text != KnownResourceStates.Running && snapshot is { ExitCode: not 0 } && snapshot.State?.Text != KnownResourceStates.NotStarted);
            var reason = $"{producers} of {Sensors.Length} producers and {consumers} of {setup.Settings.Consumers} consumers active, {(stored > storedBefore ? "" : "no ")}readings stored; "
                + $"not running: {string.Join(", ", missing.Select(resource => resource.Name).DefaultIfEmpty("none"))}";
            if (reason == told) continue;
            (told, next) = (reason, elapsed + Pause);
            Console.WriteLine($"Not ready after {elapsed.TotalSeconds:F0} s: {reason}. See make status, make doctor, make logs NAME=...");
        }
    }

    /// <summary>Counts the active sensors and consumers of the model. A replay is a producer too, and an earlier run can have had others.</summary>
    public static (int Sensors, int Consumers) Active(IReadOnlyList<ProducerHealthBody> producers, IReadOnlyList<ConsumerHealthBody> consumers, int maxConsumers) =>
        (producers.Count(producer => producer.Status == Statuses.Active && Sensors.Contains(producer.ProducerId)),
            consumers.Count(consumer => consumer.Status == Statuses.Active && Enumerable.Range(1, maxConsumers).Any(number => ResourceNames.Consumer(number) == consumer.ConsumerId)));

    /// <summary>Whether the page answers, even if it asks who asks.</summary>
    private static async Task<bool> AnswersAsync(HttpClient client, Uri page, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(new Uri(page, "/alive"), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception.IsNoAnswer(cancellationToken))
        {
            return false;
        }
    }

    private async Task<(int Producers, int Consumers, long? Stored)> ReadAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            var api = new Uri($"http://localhost:{setup.ApiPort}/api/");
            // Until the API has read the database, it has nothing to serve. This request leaves no trace of a failure on the dashboard.
            using var status = await client.GetAsync(new Uri(api, "system-status"), cancellationToken);
            if (!status.IsSuccessStatusCode) return (0, 0, null);
            var producers = await client.GetFromJsonAsync(new Uri(api, "producer-health"), ApiJson.Context.IReadOnlyListProducerHealthBody, cancellationToken);
            var consumers = await client.GetFromJsonAsync(new Uri(api, "consumer-health"), ApiJson.Context.IReadOnlyListConsumerHealthBody, cancellationToken);
            var metrics = await client.GetFromJsonAsync(new Uri(api, "real-time-metrics"), ApiJson.Context.RealTimeMetricsBody, cancellationToken);
            var (sensing, consuming) = Active(producers!, consumers!, setup.Settings.MaxConsumers);
            return (sensing, consuming, metrics!.Pipeline?.StoredTotal);
        }
        catch (Exception exception) when (exception.IsNoAnswer(cancellationToken))
        {
            return (0, 0, null);
        }
    }
}
