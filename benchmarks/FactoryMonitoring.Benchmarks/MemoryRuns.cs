using FactoryMonitoring.Benchmarks.Servers;

namespace FactoryMonitoring.Benchmarks;

/// <summary>All services as the factory runs them, at the rate of their own sensors.</summary>
internal static class MemoryRuns
{
    private const int SensorsPerType = 24;
    private static readonly string[] Types = ["temperature", "vibration", "energy", "humidity", "pressure"];

    /// <summary>Starts five sensors, three consumers, API and web, and waits.</summary>
    /// <param name="rate">Readings per second of all sensors together.</param>
    /// <returns>Resident memory in MB by kind of service; if several run, that of the largest.</returns>
    public static async Task<IReadOnlyDictionary<string, double>> RunAsync(
        string repository, string directory, Brokers brokers, Postgres postgres, string topic, int rate, TimeSpan duration)
    {
        await postgres.ResetAsync();
        var group = $"bench-{Guid.NewGuid():N}";
        var apiPort = Brokers.FreePort();
        var interval = TimeSpan.FromSeconds(SensorsPerType * Types.Length / (double)rate);
        List<(string Kind, ServerProcess Process)> services =
        [
            .. Enumerable.Range(1, 3).Select(n => ("consumer", Services.StartConsumer(repository, directory, $"bench-consumer-{n}", brokers, postgres, topic, group))),
            ("api", Services.StartApi(repository, directory, brokers, postgres, apiPort, topic, group)),
            ("web", Services.StartWeb(repository, directory, Brokers.FreePort(), apiPort)),
            .. Types.Select(type => ("sensor", Services.StartSensor(repository, directory, type, brokers, postgres, topic, SensorsPerType, interval))),
        ];
        try
        {
            await Task.Delay(duration);
            var died = services.Find(service => service.Process.HasExited);
            if (died.Process is not null)
            {
                throw new InvalidOperationException($"a {died.Kind} ended");
            }

            var stored = await postgres.ScalarAsync<long>("SELECT COALESCE(sum(stored), 0)::bigint FROM partition_offsets");
            if (stored < rate * duration.TotalSeconds / 2)
            {
                throw new InvalidOperationException($"only {stored} readings were stored in {duration.TotalSeconds:0} s");
            }

            return services.GroupBy(service => service.Kind).ToDictionary(kind => kind.Key, kind => kind.Max(service => service.Process.MemoryMb("VmRSS")));
        }
        finally
        {
            await Task.WhenAll(services.Select(service => service.Process.StopAsync()));
            foreach (var (_, process) in services)
            {
                await process.DisposeAsync();
            }
        }
    }
}
