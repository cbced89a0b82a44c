using System.Net.Http.Json;
using System.Text.Json;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Reports in one line that the factory is ready: the page answers, the monitoring API counts every sensor and consumer as active, and readings of this run are
/// stored. The API, on loopback, does not ask who asks.
/// </summary>
internal sealed class ReadyAnnouncer(FactorySetup setup, DistributedApplicationModel model, ResourceWatch watch, IConfiguration configuration, TimeProvider time) : LifetimeService
{
    private const int Sensors = 5;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var start = time.GetTimestamp();
        var complained = false;
        // With MONITORING_HOST it may listen on one address alone.
        var host = configuration[EnvironmentNames.MonitoringHost] is { Length: > 0 } said && said is not ("0.0.0.0" or "::" or "[::]" or "*" or "+") ? said : "localhost";
        var page = new UriBuilder(Uri.UriSchemeHttp, host, setup.WebPort).Uri;
        long? storedBefore = null;
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(2) };
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var (producers, consumers, stored) = await ReadAsync(client, stoppingToken);
            storedBefore ??= stored;
            var elapsed = time.GetElapsedTime(start);
            if (producers >= Sensors && consumers >= setup.Settings.Consumers && stored > storedBefore && await AnswersAsync(client, page, stoppingToken))
            {
                Console.WriteLine($"Ready after {elapsed.TotalSeconds:F0} s: {producers} producers and {consumers} consumers active at {page.GetLeftPart(UriPartial.Authority)}");
                return;
            }
            if (complained || elapsed < Long) continue;
            complained = true;
            var missing = model.Resources.Where(resource => resource.WorkerOf() is not null && watch.Find(resource.Name) is { } snapshot
                && snapshot.State?.Text != KnownResourceStates.Running && snapshot is { ExitCode: not 0 } && snapshot.State?.Text != KnownResourceStates.NotStarted);
            Console.WriteLine($"Not ready after {elapsed.TotalSeconds:F0} s: {producers} of {Sensors} producers and {consumers} of {setup.Settings.Consumers} consumers active, "
                + $"{stored - storedBefore ?? 0} readings stored; not running: {string.Join(", ", missing.Select(resource => resource.Name).DefaultIfEmpty("none"))}. See make status, make doctor, make logs NAME=...");
        }
    }

    /// <summary>Whether the page answers, even if it asks who asks.</summary>
    private static async Task<bool> AnswersAsync(HttpClient client, Uri page, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(new Uri(page, "/alive"), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<(int Producers, int Consumers, long? Stored)> ReadAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            var api = new Uri($"http://localhost:{setup.ApiPort}/api/");
            var system = await client.GetFromJsonAsync(new Uri(api, "system-status"), ApiJson.Context.SystemStatusBody, cancellationToken);
            var metrics = await client.GetFromJsonAsync(new Uri(api, "real-time-metrics"), ApiJson.Context.RealTimeMetricsBody, cancellationToken);
            return (system!.Status.Producers.ActiveCount, system.Status.Consumers.ActiveCount, metrics!.Pipeline?.StoredTotal);
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return (0, 0, null);
        }
    }
}
