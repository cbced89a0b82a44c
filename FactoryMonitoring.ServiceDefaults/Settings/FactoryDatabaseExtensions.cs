using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Settings;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the access to the database.</summary>
public static partial class FactoryDatabaseExtensions
{
    private const string Key = $"ConnectionStrings:{ResourceNames.Database}";

    // An abandoned command waits at most this long for its cancellation: a frozen server does not react to it.
    private const int CancellationMilliseconds = 500;
    private const int TimeoutSeconds = 3;

    // The server's keepalives end a session whose client is gone; these notice that the server is, for a command that may take hours.
    private const int KeepAliveSeconds = 5;
    private const int KeepAliveIntervalSeconds = 2;

    private static readonly string[] KeepAliveKeys = ["TCP Keepalive", "TCP Keepalive Time", "TCP Keepalive Interval"];

    // A transaction of a host that is cut off, or of a process that stands still, would otherwise keep its locks for hours: 11 s, and 15 s. Within a
    // transaction the outbox waits up to 10 s for the brokers.
    private const string SessionOptions =
        "-c idle_in_transaction_session_timeout=15s -c tcp_user_timeout=10s -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3";

    /// <summary>
    /// Registers <see cref="NpgsqlDataSource"/> from <c>ConnectionStrings:factorydb</c>, otherwise DATABASE_URL, and DATABASE_PASSWORD, with its health check.
    /// Connection attempts and commands time out after 3 s; of several hosts, the one that accepts writes is used; the service's name is the application_name.
    /// A schema that is newer than the service stops it. A missing or malformed setting is an error at startup.
    /// </summary>
    public static TBuilder AddFactoryDatabase<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        var connectionString = Resolve(builder, out var target, out var failure);
        builder.Services.AddSettingCheck(failure);
        var gate = new SchemaGate();
        builder.Services.AddSingleton(gate);
        builder.AddNpgsqlDataSource(
            ResourceNames.Database,
            settings => settings.ConnectionString = connectionString,
            dataSource =>
            {
                // Metrics have this name as a tag instead of the whole connection string.
                dataSource.Name = ResourceNames.Database;
                dataSource.UsePhysicalConnectionInitializer(_ => throw new NotSupportedException("Connections are opened asynchronously"), gate.CheckAsync);
                dataSource.ConfigureTracing(tracing => tracing
                    .ConfigureCommandSpanNameProvider(command => FirstWord().Match(command.CommandText).Value)
                    .ConfigureBatchSpanNameProvider(_ => "BATCH")
                    .ConfigureBatchEnrichmentCallback((activity, batch) => activity.SetTag("db.operation.batch.size", batch.BatchCommands.Count)));
            });
        if (target is not null)
        {
            UsePrimary(builder.Services, target.Value);
        }

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<DatabaseMode>();
        builder.Services.AddHostedService<ReadOnlyWatch>();
        return builder;
    }

    /// <summary>
    /// Registers <see cref="NpgsqlDataSource"/> from the same settings for a service that also works without a database: nothing if none is set, and no health
    /// check. Uses one connection, which does not check the schema.
    /// </summary>
    public static TBuilder AddOptionalFactoryDatabase<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        string[] keys = [Key, EnvironmentNames.DatabaseUrl, SecretFiles.FileOf(Key), SecretFiles.FileOf(EnvironmentNames.DatabaseUrl)];
        if (keys.All(key => string.IsNullOrEmpty(builder.Configuration[key])))
        {
            return builder;
        }

        var connectionString = Resolve(builder, out var target, out var failure);
        builder.Services.AddSettingCheck(failure);
        if (connectionString is not null)
        {
            builder.Services.AddSingleton(_ =>
            {
                var any = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = 1 });
                return target is { } primary ? ((NpgsqlMultiHostDataSource)any).WithTargetSession(primary) : any;
            });
        }

        return builder;
    }

    // The registered data source connects to any of the hosts, and remains the one that the others are derived from.
    private static void UsePrimary(IServiceCollection services, TargetSessionAttributes target)
    {
        var any = services.Last(service => service.ServiceType == typeof(NpgsqlDataSource));
        services.AddSingleton(provider => (NpgsqlMultiHostDataSource)any.ImplementationFactory!(provider));
        services.Replace(ServiceDescriptor.Singleton(provider => provider.GetRequiredService<NpgsqlMultiHostDataSource>().WithTargetSession(target)));
    }

    internal static string? Resolve(IHostApplicationBuilder builder, out TargetSessionAttributes? target, out string? failure)
    {
        (target, failure) = (null, null);
        var key = Key;
        var value = builder.Configuration[Key];
        try
        {
            if (string.IsNullOrEmpty(value))
            {
                key = EnvironmentNames.DatabaseUrl;
                value = builder.Configuration[key];
                if (string.IsNullOrEmpty(value))
                {
                    // A file that cannot be read has already been reported.
                    if (new[] { Key, key }.Any(secret => builder.Configuration[SecretFiles.FileOf(secret)] is { Length: > 0 }))
                    {
                        return null;
                    }

                    failure = $"{Key} (or {key}) is not set; must be Host=…;Port=…;Username=…;Password=…;Database=… (or postgresql://user:password@host:port/database)";
                    return null;
                }

                value = DatabaseUrl.ToConnectionString(value);
            }

            var connection = new NpgsqlConnectionStringBuilder(value)
            {
                Timeout = TimeoutSeconds,
                CommandTimeout = TimeoutSeconds,
                CancellationTimeout = CancellationMilliseconds,
            };
            if (IsOverTcp(connection) && !KeepAliveKeys.Any(connection.ShouldSerialize))
            {
                (connection.TcpKeepAlive, connection.TcpKeepAliveTime, connection.TcpKeepAliveInterval) = (true, KeepAliveSeconds, KeepAliveIntervalSeconds);
            }

            connection.Options = connection.Options is { Length: > 0 } options ? $"{SessionOptions} {options}" : SessionOptions;
            if (builder.Configuration[EnvironmentNames.DatabasePassword] is { Length: > 0 } password)
            {
                if (connection.Password is { Length: > 0 })
                {
                    failure = $"{key} has a password, and {EnvironmentNames.DatabasePassword} (or {SecretFiles.FileOf(EnvironmentNames.DatabasePassword)}) is set; set one of them";
                    return null;
                }

                connection.Password = password;
            }

            var wanted = SeveralHosts.Prepare(connection);
            target = SeveralHosts.In(connection) ? wanted : null;
            connection.ApplicationName ??= ServiceName.Of(builder);
            return connection.ConnectionString;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            failure = $"{key} = {WithoutPassword(builder.Configuration[key])}: {exception.Message}";
            return null;
        }
    }

    // A Unix socket refuses the settings, and with them the connection.
    private static bool IsOverTcp(NpgsqlConnectionStringBuilder connection) =>
        connection.Host is { } hosts && hosts.Split(',', StringSplitOptions.TrimEntries).All(host => !host.StartsWith('@') && !Path.IsPathRooted(host));

    private static string WithoutPassword(string? value) => Password().Replace(value ?? "", "***");

    [GeneratedRegex(@"\w+")]
    private static partial Regex FirstWord();

    [GeneratedRegex("(?<=//[^:/@]*:).*(?=@)|(?<=(?:password|pwd)\\s*=)[^;]*", RegexOptions.IgnoreCase)]
    private static partial Regex Password();
}
