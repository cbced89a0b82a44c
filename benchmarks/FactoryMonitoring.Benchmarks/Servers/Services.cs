using System.Globalization;

namespace FactoryMonitoring.Benchmarks.Servers;

/// <summary>Starts services of the factory as processes, from their build output.</summary>
internal static class Services
{
    /// <summary>Returns the folder that holds the solution.</summary>
    public static string Repository()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "FactoryMonitoring.sln")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException("run it from its checkout");
    }

    public static string AssemblyOf(string repository, string project) =>
        Path.Combine(repository, project, "bin", Configuration(), Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), $"{project}.dll");

    public static ServerProcess StartConsumer(
        string repository, string directory, string id, Brokers brokers, Postgres postgres, string topic, string group, Dictionary<string, string?>? settings = null) =>
        Start(repository, directory, "Consumers", id, new(settings ?? [])
        {
            ["CONSUMER_ID"] = id,
            ["CONSUMER_GROUP"] = group,
            ["SENSOR_TOPIC"] = topic,
            ["ConnectionStrings__kafka"] = brokers.Bootstrap,
            ["ConnectionStrings__factorydb"] = postgres.ConnectionString,
        });

    public static ServerProcess StartProvisioner(string repository, string directory, Brokers brokers, Postgres postgres, string topic) =>
        Start(repository, directory, "FactoryMonitoring.Provisioner", "provisioner", new()
        {
            ["SENSOR_TOPIC"] = topic,
            ["ConnectionStrings__kafka"] = brokers.Bootstrap,
            ["ConnectionStrings__factorydb"] = postgres.ConnectionString,
        });

    public static ServerProcess StartSensor(
        string repository, string directory, string type, Brokers brokers, Postgres postgres, string topic, int sensors, TimeSpan interval) =>
        Start(repository, directory, "Sensors", $"{type}-sensor", new()
        {
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["PRODUCER_ID"] = $"{type}-sensor",
            ["SENSOR_TYPE"] = type,
            ["SENSOR_TOPIC"] = topic,
            ["SAMPLING_INTERVAL"] = interval.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            ["Sensors__PerType"] = sensors.ToString(CultureInfo.InvariantCulture),
            ["ConnectionStrings__kafka"] = brokers.Bootstrap,
            ["ConnectionStrings__factorydb"] = postgres.ConnectionString,
        });

    public static ServerProcess StartApi(
        string repository, string directory, Brokers? brokers, Postgres postgres, int port, string? topic = null, string? group = null) =>
        Start(repository, directory, "Monitoring.Api", "monitoring-api", new()
        {
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
            ["SENSOR_TOPIC"] = topic,
            ["CONSUMER_GROUP"] = group,
            ["ConnectionStrings__kafka"] = brokers?.Bootstrap,
            ["ConnectionStrings__factorydb"] = postgres.ConnectionString,
        });

    public static ServerProcess StartWeb(string repository, string directory, int port, int apiPort) =>
        Start(repository, directory, "Monitoring.Web", "monitoring-web", new()
        {
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
            ["MONITORING_API_HOST"] = "127.0.0.1",
            ["MONITORING_API_PORT"] = apiPort.ToString(CultureInfo.InvariantCulture),
        });

    private static ServerProcess Start(string repository, string directory, string project, string id, Dictionary<string, string?> environment)
    {
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = null;
        // The same settings as in the AppHost.
        (environment["DOTNET_TieredPGO"], environment["DOTNET_EnableWriteXorExecute"], environment["DOTNET_TC_CallCountThreshold"], environment["MALLOC_ARENA_MAX"]) = ("0", "0", "400", "2");
        return ServerProcess.Start(Path.Combine(directory, $"{id}.log"), "dotnet", [AssemblyOf(repository, project)], environment);
    }

    private static string Configuration() => AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";
}
