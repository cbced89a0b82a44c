using System.Diagnostics;
using System.Net;
using FactoryMonitoring.Data;
using FactoryMonitoring.Sensors;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.Tests.Data.Sensors;

/// <summary>The sensors' service in this process, with the one fault that no signal can cause: a loop that is blocked while the rest runs.</summary>
[Trait("Time", "measured")]
public sealed class BlockedLoopTests(PostgresFixture postgres) : BrokersTest(postgres)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_blocked_loop_fails_alive_within_5_seconds_and_health_with_it()
    {
        var port = Ports.Free();
        var builder = WebApplication.CreateBuilder(
            [$"--urls=http://127.0.0.1:{port}", $"--DATABASE_URL={Database.UrlOf(DatabaseRoles.Sensor)}", $"--KAFKA_BROKERS={Brokers.BootstrapServers}",
                "--SENSOR_TYPE=temperature", "--SAMPLING_INTERVAL=0.1", "--Sensors:PerType=1"]);
        builder.AddServiceDefaults();
        builder.AddFactoryDatabase();
        builder.AddFactoryKafka();
        builder.AddSensors();
        using var source = new BlockingSource();
        var simulated = builder.Services.Single(service => service.ServiceType == typeof(IReadingSource));
        builder.Services.Remove(simulated);
        builder.Services.AddSingleton<IReadingSource>(services => source.Over((IReadingSource)ActivatorUtilities.CreateInstance(services, simulated.ImplementationType!)));
        await using var app = builder.Build();
        app.MapDefaultEndpoints();
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await app.StartAsync(Timeout);
        try
        {
            await EventuallyAsync(async () => await StatusAsync(client, "/health") == HttpStatusCode.OK);
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, "/alive"));

            source.Block();
            var blocked = Stopwatch.StartNew();
            await EventuallyAsync(async () => await StatusAsync(client, "/alive") == HttpStatusCode.ServiceUnavailable);
            Assert.InRange(blocked.Elapsed, TimeSpan.Zero, Limit);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(client, "/health"));

            source.Release();
            await EventuallyAsync(async () => await StatusAsync(client, "/alive") == HttpStatusCode.OK);
        }
        finally
        {
            source.Release();
            await app.StopAsync(Timeout);
        }
    }

    private async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(new Uri(path, UriKind.Relative), Timeout);
        return response.StatusCode;
    }

    /// <summary>A source whose next reading never comes, and that blocks the thread that requests it.</summary>
    private sealed class BlockingSource : IReadingSource, IDisposable
    {
        private readonly ManualResetEventSlim _open = new(initialState: true);
        private IReadingSource _source = null!;

        public IReadOnlyList<Sensor> Sensors => _source.Sensors;

        public BlockingSource Over(IReadingSource source)
        {
            _source = source;
            return this;
        }

        public void Block() => _open.Reset();

        public void Release() => _open.Set();

        public bool TryNext(out Sample sample)
        {
            _open.Wait();
            return _source.TryNext(out sample);
        }

        public void Dispose() => _open.Dispose();
    }
}
