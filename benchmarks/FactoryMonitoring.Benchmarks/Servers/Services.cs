namespace FactoryMonitoring.Benchmarks.Servers;

/// <summary>Starts services of the factory as processes, as they are built.</summary>
internal static class Services
{
    /// <summary>The folder that holds the solution.</summary>
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

    public static ServerProcess StartConsumer(string repository, string directory, string id, Brokers brokers, Postgres postgres, string topic, string group) =>
        ServerProcess.Start(Path.Combine(directory, $"{id}.log"), "dotnet", [AssemblyOf(repository, "Consumers")], new Dictionary<string, string?>
        {
            ["CONSUMER_ID"] = id,
            ["CONSUMER_GROUP"] = group,
            ["SENSOR_TOPIC"] = topic,
            ["ConnectionStrings__kafka"] = brokers.Bootstrap,
            ["ConnectionStrings__factorydb"] = postgres.ConnectionString,
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = null,
        });

    public static ServerProcess StartApi(string repository, string directory, Brokers brokers, Postgres postgres, int port) =>
        ServerProcess.Start(Path.Combine(directory, "api.log"), "dotnet", [AssemblyOf(repository, "Monitoring.Api")], new Dictionary<string, string?>
        {
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
            ["ConnectionStrings__kafka"] = brokers.Bootstrap,
            ["ConnectionStrings__factorydb"] = postgres.ConnectionString,
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = null,
        });

    private static string Configuration() => AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";
}
