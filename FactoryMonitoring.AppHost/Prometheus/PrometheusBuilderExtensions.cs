using System.Globalization;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Prometheus;

/// <summary>Adds Prometheus if its program is on the PATH.</summary>
internal static class PrometheusBuilderExtensions
{
    public const string Name = "prometheus";
    public const string ReadyPath = "/-/ready";

    private const string PortSetting = "Factory:Ports:Prometheus";
    private const int UsualPort = 9090;

    /// <summary>
    /// Returns the preferred port of Prometheus if it is enabled and its program is on the PATH: Factory:Ports:Prometheus, else 9090 or any free port.
    /// </summary>
    public static IEnumerable<PortRequest> Ports(IConfiguration configuration) =>
        Program(configuration) is null ? []
        : configuration.GetValue<int?>(PortSetting) is { } port ? [new(Name, PortSetting, port)]
        : [new(Name, PortSetting, UsualPort, Yields: true)];

    /// <summary>
    /// Adds the resource <c>prometheus</c>, which scrapes every project with an HTTP endpoint, uses the rules of deploy/prometheus and keeps two days of data.
    /// Adds nothing if <c>Factory:Prometheus</c> is false or the program is missing.
    /// </summary>
    public static IDistributedApplicationBuilder AddPrometheus(this IDistributedApplicationBuilder builder, FactorySetup setup)
    {
        if (setup.PrometheusPort is not { } port || Program(builder.Configuration) is not { } program) return builder;

        var directory = Path.Combine(setup.Settings.RunDirectory, "prometheus");
        CopyConfiguration(Path.Combine(builder.AppHostDirectory, "..", "deploy", "prometheus"), directory);
        var prometheus = builder.AddExecutable(Name, program, directory)
            .WithHttpEndpoint(port: port, isProxied: false)
            .WithUrlForEndpoint("http", url => url.DisplayText = "queries")
            .WithIconName("DataTrending")
            .WithHttpHealthCheck(ReadyPath);
        prometheus.WithArgs(context =>
        {
            context.Args.Add("--config.file=prometheus.yml");
            context.Args.Add(string.Create(CultureInfo.InvariantCulture, $"--web.listen-address=127.0.0.1:{port}"));
            context.Args.Add("--storage.tsdb.path=data");
            context.Args.Add("--storage.tsdb.retention.time=2d");
            context.Args.Add("--enable-feature=exemplar-storage");
            context.Args.Add("--log.level=warn");
        });
        builder.Services.AddHostedService(services => new PrometheusTargets(
            Path.Combine(directory, "targets"), services.GetRequiredService<ResourceNotificationService>()));
        return builder;
    }

    private static string? Program(IConfiguration configuration) => !configuration.GetValue("Factory:Prometheus", true) ? null : (configuration["PATH"] ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "prometheus.exe" : "prometheus")).FirstOrDefault(File.Exists);

    // Next to the targets of this run, which the configuration refers to by a relative path.
    private static void CopyConfiguration(string source, string directory)
    {
        Directory.CreateDirectory(Path.Combine(directory, "rules"));
        File.Copy(Path.Combine(source, "prometheus.yml"), Path.Combine(directory, "prometheus.yml"), overwrite: true);
        foreach (var rules in Directory.EnumerateFiles(Path.Combine(source, "rules"), "*.yml"))
            File.Copy(rules, Path.Combine(directory, "rules", Path.GetFileName(rules)), overwrite: true);
    }
}
