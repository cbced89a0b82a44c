using System.Text.Json;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Says in one line when the factory works: when the page's own figures show every sensor and consumer active.</summary>
internal sealed class ReadyAnnouncer(FactorySetup setup, DistributedApplicationModel model, ResourceWatch watch, TimeProvider time) : LifetimeService
{
    private const int Sensors = 5;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var start = time.GetTimestamp();
        var complained = false;
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var (producers, consumers) = await CountAsync(client, stoppingToken);
            var elapsed = time.GetElapsedTime(start);
            if (producers >= Sensors && consumers >= setup.Settings.Consumers)
            {
                Console.WriteLine($"Ready after {elapsed.TotalSeconds:F0} s: {producers} producers and {consumers} consumers active at http://localhost:{setup.WebPort}");
                return;
            }
            if (complained || elapsed < Long) continue;
            complained = true;
            var missing = model.Resources.Where(resource => resource.WorkerOf() is not null && watch.Find(resource.Name) is { } snapshot
                && snapshot.State?.Text != KnownResourceStates.Running && snapshot is { ExitCode: not 0 } && snapshot.State?.Text != KnownResourceStates.NotStarted);
            Console.WriteLine($"Not ready after {elapsed.TotalSeconds:F0} s: {producers} of {Sensors} producers and {consumers} of {setup.Settings.Consumers} consumers active; "
                + $"not running: {string.Join(", ", missing.Select(resource => resource.Name).DefaultIfEmpty("none"))}. See make status, make doctor, make logs NAME=...");
        }
    }

    private async Task<(int Producers, int Consumers)> CountAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await client.GetAsync(new Uri($"http://localhost:{setup.WebPort}/api/system-status"), cancellationToken);
            if (!response.IsSuccessStatusCode) return (0, 0);
            using var body = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
            var status = body.RootElement.GetProperty("status");
            return (status.GetProperty("producers").GetProperty("active_count").GetInt32(), status.GetProperty("consumers").GetProperty("active_count").GetInt32());
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or KeyNotFoundException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return (0, 0);
        }
    }
}
