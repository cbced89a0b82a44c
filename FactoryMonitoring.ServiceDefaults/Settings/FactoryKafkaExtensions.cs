using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.ServiceDefaults.Kafka;
using FactoryMonitoring.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// The bootstrap list of the brokers: <c>ConnectionStrings:kafka</c>, otherwise KAFKA_BROKERS; and how to authenticate to them, section <c>Kafka:Security</c>.
/// </summary>
public static class FactoryKafkaExtensions
{
    private const string Key = $"ConnectionStrings:{ResourceNames.Kafka}";

    /// <summary>
    /// Makes a missing or malformed bootstrap list, or an invalid setting of section <c>Kafka:Security</c>, an error at startup.
    /// Call it after AddServiceDefaults.
    /// </summary>
    public static TBuilder AddFactoryKafka<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        MapKafkaBrokers(builder.Configuration);
        builder.Services.AddSettingCheck(Check(builder.Configuration[Key]));
        builder.Services.AddSettingCheck(CheckSecurity(builder.Configuration));
        builder.Services.AddSingleton<AccessReport>();
        builder.Services.AddSingleton<KafkaCredentials>();
        builder.Services.AddHostedService(services => services.GetRequiredService<KafkaCredentials>());
        return builder;
    }

    internal static void MapKafkaBrokers(IConfiguration configuration)
    {
        if (string.IsNullOrEmpty(configuration[Key]) && configuration[EnvironmentNames.KafkaBrokers] is { Length: > 0 } brokers)
        {
            configuration[Key] = brokers;
        }
    }

    private static string? Check(string? brokers)
    {
        const string Allowed = "must be a list host:port,host:port,…";
        if (string.IsNullOrEmpty(brokers))
        {
            return $"{Key} (or {EnvironmentNames.KafkaBrokers}) is not set; {Allowed}";
        }

        return brokers.Split(',').All(IsHostAndPort) ? null : $"{Key} = {brokers} is no list of brokers; {Allowed}";
    }

    private static string? CheckSecurity(IConfiguration configuration)
    {
        var (security, problem) = KafkaClientExtensions.SecurityOf(configuration);
        if (problem is not null || !security.IsSecured)
        {
            return problem;
        }

        try
        {
            // Only the client can check the contents of the files.
            new AdminClientBuilder(new AdminClientConfig().UseFactoryKafka(configuration)).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build().Dispose();
            return null;
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            return $"{KafkaSecurity.Section} is not taken by the client: {exception.Message}";
        }
    }

    private static bool IsHostAndPort(string broker)
    {
        // librdkafka also accepts a protocol prefix, as in PLAINTEXT://host:port.
        var address = broker.Trim();
        var colon = address.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(address.AsSpan(colon + 1), out var port) && port > 0;
    }
}
