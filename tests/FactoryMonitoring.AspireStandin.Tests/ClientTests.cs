using Aspire.Confluent.Kafka;
using Confluent.Kafka;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.AspireStandin.Tests;

public sealed class ClientTests
{
    [Fact]
    public async Task A_data_source_has_the_connection_string_of_its_name_and_a_health_check()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["ConnectionStrings:db"] = "Host=localhost;Port=21098;Username=u;Timeout=1";
        builder.AddNpgsqlDataSource("db", configureDataSourceBuilder: source => source.ConnectionStringBuilder.ApplicationName = "probe");
        await using var services = builder.Services.BuildServiceProvider();

        var source = services.GetRequiredService<NpgsqlDataSource>();
        var report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync();

        Assert.Equal("Host=localhost;Port=21098;Username=u;Timeout=1;Application Name=probe", source.ConnectionString);
        Assert.Equal(["PostgreSql"], report.Entries.Keys);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
    }

    [Fact]
    public async Task A_missing_connection_string_is_said_by_name()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddNpgsqlDataSource("db", settings => settings.DisableHealthChecks = true);
        await using var services = builder.Services.BuildServiceProvider();

        var failure = Assert.Throws<InvalidOperationException>(services.GetRequiredService<NpgsqlDataSource>);

        Assert.Contains("ConnectionStrings:db", failure.Message, StringComparison.Ordinal);
        Assert.Empty(services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations);
    }

    [Fact]
    public async Task Kafka_clients_take_settings_from_their_section_and_callbacks_last()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:kafka"] = "localhost:21099",
            ["Aspire:Confluent:Kafka:Producer:Config:LingerMs"] = "7",
            ["Aspire:Confluent:Kafka:Consumer:Config:GroupId"] = "from-section",
        });
        KafkaProducerSettings? producer = null;
        KafkaConsumerSettings? consumer = null;
        builder.AddKafkaProducer<string, string>("kafka", settings => producer = settings);
        builder.AddKafkaConsumer<string, string>("kafka", settings =>
        {
            consumer = settings;
            settings.Config.GroupId = "from-code";
        }, (_, client) => client.SetPartitionsLostHandler((_, _) => { }));
        await using var services = builder.Services.AddLogging().BuildServiceProvider();

        Assert.Same(services.GetRequiredService<IProducer<string, string>>(), services.GetRequiredService<IProducer<string, string>>());
        Assert.NotNull(services.GetRequiredService<IConsumer<string, string>>());
        Assert.Equal(("localhost:21099", 7d), (producer!.Config.BootstrapServers, producer.Config.LingerMs));
        Assert.Equal(("localhost:21099", "from-code"), (consumer!.Config.BootstrapServers, consumer.Config.GroupId));
    }
}
