using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>External brokers and database: <c>Factory:Kafka=external</c>, <c>Factory:Postgres=external</c>.</summary>
/// <param name="Brokers">The bootstrap list; null if the brokers are the AppHost's own.</param>
/// <param name="Security">How clients sign in to the brokers.</param>
/// <param name="Database">The connection string; null if the database is the AppHost's own.</param>
internal sealed record ExternalSettings(string? Brokers, KafkaSecurity Security, string? Database)
{
    public static readonly ExternalSettings None = new(null, KafkaSecurity.None, null);

    private const string BrokersKey = $"ConnectionStrings:{ResourceNames.Kafka}";
    private const string DatabaseKey = $"ConnectionStrings:{ResourceNames.Database}";
    private const string External = "external";

    /// <summary>
    /// Reads and checks the settings. Makes the paths of files absolute, also in the configuration, because the services run in other directories.
    /// </summary>
    /// <param name="repository">Directory that relative paths refer to.</param>
    /// <returns>The settings, and a line for each invalid setting.</returns>
    public static (ExternalSettings Settings, IReadOnlyList<string> Problems) Read(IConfiguration configuration, string repository)
    {
        var problems = new List<string>();
        // The services read the files of other secrets themselves.
        problems.AddRange(SecretFiles.Read(
            key => key.StartsWith("DATABASE_", StringComparison.Ordinal) || key.StartsWith(DatabaseKey, StringComparison.Ordinal) ? Absolute(configuration, key, repository) : null,
            (key, secret) => configuration[key] = secret).Select(problem => $"{problem}."));
        var section = configuration.GetSection(KafkaSecurity.Section);
        foreach (var file in section.GetChildren().Where(setting => setting.Key.EndsWith("File", StringComparison.OrdinalIgnoreCase) && setting.Value is { Length: > 0 }))
            file.Value = Path.GetFullPath(file.Value!, repository);
        var (security, wrong) = KafkaSecurity.Read(section.AsEnumerable(makePathsRelative: true));
        if (wrong is not null) problems.Add($"{wrong}.");
        if (!IsExternal(configuration, "Factory:Kafka"))
        {
            if (security.IsSecured) problems.Add($"{KafkaSecurity.Section} is set, but the AppHost's own brokers know no sign-in: Factory:Kafka=external is missing, or the section is to be left out.");
            return (new(null, KafkaSecurity.None, ReadDatabase(configuration, repository, problems)), problems);
        }
        var brokers = configuration[BrokersKey] is { Length: > 0 } list ? list : configuration[EnvironmentNames.KafkaBrokers];
        if (string.IsNullOrEmpty(brokers)) problems.Add($"{BrokersKey} (or {EnvironmentNames.KafkaBrokers}) is not set, and Factory:Kafka=external needs it: must be a list host:port,host:port,….");
        return (new(brokers ?? "", security, ReadDatabase(configuration, repository, problems)), problems);
    }

    private static string? ReadDatabase(IConfiguration configuration, string repository, List<string> problems)
    {
        const string Allowed = "must be Host=…;Port=…;Username=…;Password=…;Database=… (or postgresql://user:password@host:port/database)";
        if (!IsExternal(configuration, "Factory:Postgres")) return null;
        string[] roles = [EnvironmentNames.DatabaseIngestPassword, EnvironmentNames.DatabaseSensorPassword, EnvironmentNames.DatabaseMonitorPassword, EnvironmentNames.DatabaseAuditPassword];
        if (roles.Select(name => configuration[name] is { Length: > 0 }).Distinct().Count() > 1) problems.Add($"{string.Join(", ", roles)}: set all of them or none.");
        var key = string.IsNullOrEmpty(configuration[DatabaseKey]) ? EnvironmentNames.DatabaseUrl : DatabaseKey;
        if (configuration[key] is not { Length: > 0 } value)
        {
            // A file that cannot be read has already been reported.
            if (new[] { DatabaseKey, EnvironmentNames.DatabaseUrl }.Any(secret => configuration[SecretFiles.FileOf(secret)] is { Length: > 0 })) return "";
            problems.Add($"{DatabaseKey} (or {EnvironmentNames.DatabaseUrl}) is not set, and Factory:Postgres=external needs it: {Allowed}.");
            return "";
        }
        try
        {
            var connection = new NpgsqlConnectionStringBuilder(key == DatabaseKey ? value : DatabaseUrl.ToConnectionString(value));
            connection.RootCertificate = Absolute(connection.RootCertificate);
            connection.SslCertificate = Absolute(connection.SslCertificate);
            connection.SslKey = Absolute(connection.SslKey);
            connection.Passfile = Absolute(connection.Passfile);
            if (configuration[EnvironmentNames.DatabasePassword] is { Length: > 0 } password)
            {
                if (connection.Password is { Length: > 0 }) problems.Add($"{key} has a password, and {EnvironmentNames.DatabasePassword} (or {SecretFiles.FileOf(EnvironmentNames.DatabasePassword)}) is set; set one of them.");
                connection.Password = password;
            }
            SeveralHosts.Aim(connection);
            if (connection is not { Host.Length: > 0, Database.Length: > 0 }) problems.Add($"{key} names no host or no database: {Allowed}.");
            return connection.ConnectionString;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            // The value is omitted because it contains the password.
            problems.Add($"{key} cannot be read ({exception.Message}): {Allowed}.");
            return "";
        }

        string? Absolute(string? file) => file is { Length: > 0 } ? Path.GetFullPath(file, repository) : file;
    }

    private static string? Absolute(IConfiguration configuration, string key, string repository) =>
        key.EndsWith("_FILE", StringComparison.Ordinal) && configuration[key] is { Length: > 0 } file ? Path.GetFullPath(file, repository) : configuration[key];

    private static bool IsExternal(IConfiguration configuration, string key) => External.Equals(configuration[key], StringComparison.OrdinalIgnoreCase);
}
