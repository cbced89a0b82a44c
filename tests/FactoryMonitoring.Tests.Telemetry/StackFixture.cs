using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using FactoryMonitoring.Tests.Telemetry.Otlp;
using Npgsql;

namespace FactoryMonitoring.Tests.Telemetry;

[CollectionDefinition(Name)]
public sealed class StackCollection : ICollectionFixture<StackFixture>
{
    public const string Name = "Stack";
}

/// <summary>
/// The whole factory on the embedded broker, next to any other stack of the machine: free ports, a separate directory. All telemetry goes to a collector of the
/// tests, and Prometheus scrapes it. Tests of the collection run one after the other and restore the initial state.
/// </summary>
public sealed class StackFixture : IAsyncLifetime
{
    private const long UndisturbedReadings = 2_000;
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(6);
    private readonly string _directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"factory-telemetry-{Guid.NewGuid():N}")).FullName;
    private IDistributedApplicationTestingBuilder? _builder;

    public static IReadOnlyList<string> Sensors { get; } =
        ["temperature-sensor", "vibration-sensor", "energy-sensor", "humidity-sensor", "pressure-sensor"];

    public static IReadOnlyList<string> Consumers { get; } = ["sensor-consumer-1", "sensor-consumer-2", "sensor-consumer-3"];

    public static IReadOnlyList<string> Services { get; } = [.. Sensors, .. Consumers, "monitoring-api", "monitoring-web", "fault-lab"];

    internal OtlpCollector Collector { get; private set; } = null!;

    internal DistributedApplication App { get; private set; } = null!;

    internal NpgsqlDataSource Database { get; private set; } = null!;

    /// <summary>What the services sent from their start until a number of readings was stored, without any fault.</summary>
    internal (IReadOnlyList<ReceivedSpan> Spans, IReadOnlyList<ReceivedLog> Logs) Undisturbed { get; private set; }

    public async Task InitializeAsync()
    {
        using var limit = new CancellationTokenSource(StartLimit);
        Collector = await OtlpCollector.StartAsync();
        _builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.FactoryMonitoring_AppHost>(
            [.. StackArguments(_directory), $"--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL={Collector.Url}"], limit.Token);
        App = await _builder.BuildAsync(limit.Token);
        await App.StartAsync(limit.Token);
        await IsHealthyAsync(limit.Token);
        Database = NpgsqlDataSource.Create((await App.GetConnectionStringAsync("factorydb", limit.Token))!);
        await AreStoredAsync(UndisturbedReadings, limit.Token);
        Undisturbed = ([.. Collector.Spans], [.. Collector.Logs]);
    }

    public async Task DisposeAsync()
    {
        if (Database is not null) await Database.DisposeAsync();
        if (App is not null) await App.DisposeAsync();
        if (_builder is not null) await _builder.DisposeAsync();
        await Collector.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Returns the arguments that let a stack run next to others.</summary>
    internal static string[] StackArguments(string directory) =>
    [
        "--Factory:Kafka=embedded", "--Factory:Postgres=process", $"--Factory:RunDirectory={directory}", "--Factory:Ports:Web=0", "--Factory:Ports:Api=0",
        "--Factory:Ports:Postgres=0", "--Factory:Ports:Kafka1=0", "--Factory:Ports:Kafka2=0", "--Factory:Ports:Kafka3=0",
        "--Factory:Ports:Prometheus=0",
    ];

    internal Task IsHealthyAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Services.Append("prometheus").Select(name => App.ResourceNotifications.WaitForResourceHealthyAsync(name, cancellationToken)));

    private async Task AreStoredAsync(long readings, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        await using var count = Database.CreateCommand("SELECT count(*) FROM readings");
        while (await count.ExecuteScalarAsync(cancellationToken) is long stored && stored < readings) await timer.WaitForNextTickAsync(cancellationToken);
    }

    internal Task<ExecuteCommandResult> CommandAsync(string resource, string command, CancellationToken cancellationToken) =>
        App.ResourceCommands.ExecuteCommandAsync(resource, command, cancellationToken);

    /// <summary>Returns the process that does the work of a resource.</summary>
    internal int ProcessOf(string resource)
    {
        if (!App.ResourceNotifications.TryGetCurrentState(resource, out var state)) throw new InvalidOperationException($"{resource} is unknown");
        return Convert.ToInt32(state.Snapshot.Properties.First(property => property.Name == "executable.pid").Value, CultureInfo.InvariantCulture);
    }

    internal static async Task SignalAsync(string signal, IEnumerable<int> processes)
    {
        using var kill = Process.Start("kill", [signal, .. processes.Select(id => id.ToString(CultureInfo.InvariantCulture))]);
        await kill.WaitForExitAsync();
        if (kill.ExitCode != 0) throw new InvalidOperationException($"kill {signal}: exit code {kill.ExitCode}");
    }
}
