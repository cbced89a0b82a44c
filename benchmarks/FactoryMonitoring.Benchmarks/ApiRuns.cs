using System.Diagnostics;
using FactoryMonitoring.Benchmarks.Servers;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Benchmarks;

/// <summary>The monitoring API under load, with few and with many readings stored.</summary>
internal static class ApiRuns
{
    private const int RowsPerTransaction = 20_000;

    private static readonly string[] Paths =
    [
        "/api/system-status", "/api/consumer-health", "/api/producer-health", "/api/partition-assignment", "/api/real-time-metrics", "/api/recent-alerts",
        "/api/rebalancing-events", "/api/cluster", "/api/ledger", "/api/history", "/api/ownership", "/api/alerts", "/api/sensors",
    ];

    /// <param name="P99Ms">Of the request durations, as measured by the client, in ms.</param>
    public sealed record Result(string Path, double PerSecond, double P99Ms);

    /// <summary>Fills the table of readings up to a number of rows, with the matching counters.</summary>
    public static async Task FillAsync(Postgres postgres, int from, int to)
    {
        var dictionaries = new DictionaryStore(postgres.DataSource);
        var log = await dictionaries.LogKeyAsync("bench", CancellationToken.None);
        var consumer = await dictionaries.ConsumerKeyAsync("bench-consumer-1", CancellationToken.None);
        var sensors = await dictionaries.SensorKeysAsync(
            [.. SensorCatalog.Types.Values.SelectMany(type => Enumerable.Range(1, 24).Select(n => new SensorDescriptionRow($"{type.IdPrefix}-sensor-{n:000}", type.Name, type.Unit, "production", "machine-001", "zone-a")))],
            CancellationToken.None);
        var rows = new ReadingRows(RowsPerTransaction);
        var timestamp = PostgresTime.FromUtc(DateTime.UtcNow);
        await using var connection = await postgres.DataSource.OpenConnectionAsync();
        for (var n = from; n < to;)
        {
            rows.Clear();
            for (var end = Math.Min(to, n + RowsPerTransaction); n < end; n++)
            {
                rows.Add(timestamp + n, n / Brokers.Partitions, n * 0.01, sensors[n % sensors.Length], consumer, n % Brokers.Partitions, 1, log, AlertLevel.Normal, n);
            }

            await using var transaction = await connection.BeginTransactionAsync();
            await rows.CopyAsync(connection, CancellationToken.None);
            await transaction.CommitAsync();
        }

        await postgres.ExecuteAsync($"""
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, next_offset, first_offset, stored)
            SELECT {log}, 'sensor-data', p, {to} / {Brokers.Partitions}, 0, {to} / {Brokers.Partitions} FROM generate_series(0, {Brokers.Partitions - 1}) p
            ON CONFLICT (log_key, topic, kafka_partition) DO UPDATE SET next_offset = excluded.next_offset, stored = excluded.stored;
            INSERT INTO ingest_totals (consumer_key, log_key, kafka_partition, stored)
            SELECT {consumer}, {log}, p, {to} / {Brokers.Partitions} FROM generate_series(0, {Brokers.Partitions - 1}) p
            ON CONFLICT (consumer_key, log_key, kafka_partition) DO UPDATE SET stored = excluded.stored;
            INSERT INTO sensor_latest (sensor_id, sensor_key, value, alert_level, "timestamp", log_key, kafka_partition, kafka_offset)
            SELECT sensor_id, sensor_key, 1, 0, now(), {log}, 0, 0 FROM sensor_descriptions ON CONFLICT DO NOTHING;
            """);
        await postgres.ExecuteAsync("ANALYZE");
    }

    public static async Task<IReadOnlyList<Result>> RunAsync(string repository, string directory, Brokers brokers, Postgres postgres, int connections, TimeSpan perPath)
    {
        var port = Brokers.FreePort();
        await using var api = Services.StartApi(repository, directory, brokers, postgres, port);
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = connections }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
        await ReadyAsync(client);
        var results = new List<Result>();
        foreach (var path in Paths)
        {
            // Warm-up: otherwise the first path would be the slowest, whatever it does.
            await MeasureAsync(client, path, connections, TimeSpan.FromSeconds(1));
        }

        foreach (var path in Paths)
        {
            results.Add(await MeasureAsync(client, path, connections, perPath));
        }

        await api.StopAsync();
        return results;
    }

    private static async Task<Result> MeasureAsync(HttpClient client, string path, int connections, TimeSpan duration)
    {
        var started = Stopwatch.GetTimestamp();
        var times = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            var own = new List<double>(50_000);
            while (Stopwatch.GetElapsedTime(started) < duration)
            {
                var sent = Stopwatch.GetTimestamp();
                using var response = await client.GetAsync(new Uri(path, UriKind.Relative));
                response.EnsureSuccessStatusCode();
                await response.Content.CopyToAsync(Stream.Null);
                own.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            }

            return own;
        })));
        var elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var all = times.SelectMany(own => own).Order().ToArray();
        return new Result(path, all.Length / elapsed, all[(int)Math.Min(all.Length - 1, Math.Ceiling(all.Length * 0.99) - 1)]);
    }

    private static async Task ReadyAsync(HttpClient client)
    {
        var started = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (true)
        {
            try
            {
                using var response = await client.GetAsync(new Uri("/api/system-status", UriKind.Relative));
                if (response.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException) when (Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(1))
            {
                // The API is not listening yet.
            }

            await timer.WaitForNextTickAsync();
        }
    }
}
