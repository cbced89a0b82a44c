using FactoryMonitoring.Contracts;
using FactoryMonitoring.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;

namespace Microsoft.Extensions.Hosting;

/// <summary>The bootstrap list of the brokers: <c>ConnectionStrings:kafka</c>, else KAFKA_BROKERS.</summary>
public static class FactoryKafkaExtensions
{
    private const string Key = $"ConnectionStrings:{ResourceNames.Kafka}";

    /// <summary>Makes a missing or malformed bootstrap list an error at start. Call after AddServiceDefaults.</summary>
    public static TBuilder AddFactoryKafka<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        MapKafkaBrokers(builder.Configuration);
        builder.Services.AddSettingCheck(Check(builder.Configuration[Key]));
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
        const string Allowed = "allowed is a list host:port,host:port,…";
        if (string.IsNullOrEmpty(brokers))
        {
            return $"{Key} (or {EnvironmentNames.KafkaBrokers}) is not set; {Allowed}";
        }

        return brokers.Split(',').All(IsHostAndPort) ? null : $"{Key} = {brokers} is no list of brokers; {Allowed}";
    }

    private static bool IsHostAndPort(string broker)
    {
        // librdkafka also takes a protocol in front, as in PLAINTEXT://host:port.
        var address = broker.Trim();
        var colon = address.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(address.AsSpan(colon + 1), out var port) && port > 0;
    }
}
