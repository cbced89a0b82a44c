using Confluent.Kafka;
using FactoryMonitoring.ServiceDefaults.Kafka;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FactoryMonitoring.Tests.Data;

public sealed class BrokerReturnTests(PostgresFixture postgres) : BrokersTest(postgres)
{
    [Fact]
    public async Task A_client_that_knows_no_broker_any_more_is_told_where_they_are()
    {
        // As good as no broker: nothing listens there.
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = "127.0.0.1:1", MessageTimeoutMs = 60_000 }).Build();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:kafka", Brokers.BootstrapServers)]);
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<IProducer<byte[], byte[]>>(_ => producer);
        builder.Services.AddBrokerReturn<IProducer<byte[], byte[]>>("kafka");
        using var host = builder.Build();
        await host.StartAsync(Timeout);

        var delivered = await producer.ProduceAsync("sensor-data", new Message<byte[], byte[]> { Key = [1], Value = [2] }, Timeout);

        Assert.Equal(PersistenceStatus.Persisted, delivered.Status);
        await host.StopAsync(Timeout);
    }
}
