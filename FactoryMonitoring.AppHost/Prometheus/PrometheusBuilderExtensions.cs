using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AppHost.Prometheus;

/// <summary>Adds Prometheus, where its program is on the PATH.</summary>
internal static class PrometheusBuilderExtensions
{
    public const string Name = "prometheus";
    public const string ReadyPath = "/-/ready";

    private const int UsualPort = 9090;

    /// <summary>
    /// Adds the resource <c>prometheus</c>, which scrapes every project with an HTTP endpoint by the rules of deploy/prometheus and keeps
    /// two days. Adds nothing where <c>Factory:Prometheus</c> is false or the program is missing. Its port is
    /// <c>Factory:Ports:Prometheus</c>, else 9090, else a free one.
    /// </summary>
    public static IDistributedApplicationBuilder AddPrometheus(this IDistributedApplicationBuilder builder, string runDirectory)
    {
        var configuration = builder.Configuration;
        if (!configuration.GetValue("Factory:Prometheus", true) || FindProgram(configuration["PATH"]) is not { } program) return builder;

        var directory = Path.Combine(runDirectory, "prometheus");
        CopyConfiguration(Path.Combine(builder.AppHostDirectory, "..", "deploy", "prometheus"), directory);
        var port = configuration.GetValue<int?>("Factory:Ports:Prometheus") ?? (IsFree(UsualPort) ? UsualPort : 0);
        var prometheus = builder.AddExecutable(Name, program, directory)
            .WithHttpEndpoint(port: port == 0 ? null : port)
            .WithHttpHealthCheck(ReadyPath);
        prometheus.WithArgs(context =>
        {
            var target = prometheus.GetEndpoint("http").Property(EndpointProperty.TargetPort);
            context.Args.Add("--config.file=prometheus.yml");
            context.Args.Add(ReferenceExpression.Create($"--web.listen-address=127.0.0.1:{target}"));
            context.Args.Add("--storage.tsdb.path=data");
            context.Args.Add("--storage.tsdb.retention.time=2d");
            context.Args.Add("--log.level=warn");
        });
        builder.Services.AddHostedService(services => new PrometheusTargets(
            Path.Combine(directory, "targets"), services.GetRequiredService<ResourceNotificationService>()));
        return builder;
    }

    private static string? FindProgram(string? path) => (path ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "prometheus.exe" : "prometheus")).FirstOrDefault(File.Exists);

    // Beside the targets of this run, from which the configuration takes them by a relative path.
    private static void CopyConfiguration(string source, string directory)
    {
        Directory.CreateDirectory(Path.Combine(directory, "rules"));
        File.Copy(Path.Combine(source, "prometheus.yml"), Path.Combine(directory, "prometheus.yml"), overwrite: true);
        foreach (var rules in Directory.EnumerateFiles(Path.Combine(source, "rules"), "*.yml"))
            File.Copy(rules, Path.Combine(directory, "rules", Path.GetFileName(rules)), overwrite: true);
    }

    private static bool IsFree(int port)
    {
        try
        {
            using TcpListener probe = new(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
