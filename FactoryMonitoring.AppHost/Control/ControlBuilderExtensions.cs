using FactoryMonitoring.AppHost.Kafka;
using FactoryMonitoring.AppHost.Postgres;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Monitoring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Adds the parts that let a second terminal see and command the running factory.</summary>
internal static class ControlBuilderExtensions
{
    /// <summary>Adds the control endpoint, stack.json, the log files, and the line that reports that the factory is ready.</summary>
    public static IDistributedApplicationBuilder AddControl(
        this IDistributedApplicationBuilder builder, FactorySetup setup, KafkaClusterResource kafka, FactoryDatabase database)
    {
        builder.MarkProcesses(setup.Settings.RunDirectory);
        var services = builder.Services;
        services.AddSingleton(setup);
        services.AddSingleton(database);
        services.AddSingleton(provider => Describe(setup, kafka, database, provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<ExitLog>();
        services.AddSingleton<AnnouncedCommands>();
        services.AddSingleton<Doctor>();
        services.AddSingleton<CommandEndpoint>();
        services.AddSingleton<ReadingSender>();
        services.AddHostedService(provider => new ExitRecorder(
            provider.GetRequiredService<ExitLog>(),
            database.As(DatabaseRoles.Monitor).GetValueAsync,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ExitRecorder>>()));
        services.AddSingleton<AuditQueue>();
        services.AddSingleton(provider => new AuditRecorder(
            database.As(DatabaseRoles.Monitor).GetValueAsync, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<AuditQueue>()));
        services.AddHostedService(provider => provider.GetRequiredService<AuditRecorder>());
        builder.Eventing.Subscribe<BeforeResourceStartedEvent>((start, _) =>
        {
            var resource = start.Resource;
            // A resource that starts with the stack was not started by a command.
            var isAskedFor = resource.HasAnnotationOfType<ExplicitStartupAnnotation>() || start.Services.GetRequiredService<ResourceWatch>().HasEnded(resource.Name);
            if (isAskedFor && resource.TakesCommands()) start.Services.GetRequiredService<AuditRecorder>().AddFromAspire(ResourceAction.Start, resource.Name);
            return Task.CompletedTask;
        });
        services.AddSingleton<ResourceWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<ResourceWatch>());
        services.AddHostedService<ControlEndpoint>();
        services.AddHostedService<ResourceLogFiles>();
        services.AddHostedService<ReadyAnnouncer>();
        services.AddHostedService<LauncherWatch>();
        services.AddHostedService<OrderedStop>();
        return builder;
    }

    /// <summary>
    /// Passes <c>Factory:Control:Url</c> and <c>Factory:Control:Token</c> to a service so that it can command the resources. Only the fault lab gets them.
    /// </summary>
    public static IResourceBuilder<T> WithControl<T>(this IResourceBuilder<T> builder, FactorySetup setup) where T : IResourceWithEnvironment =>
        builder.WithEnvironment("Factory__Control__Url", setup.ControlUrl).WithEnvironment("Factory__Control__Token", setup.ControlToken)
            .WithEnvironment("Factory__Control__UndoFile", Path.Combine(setup.Settings.RunDirectory, "undo.jsonl"));

    private static StackFile Describe(FactorySetup setup, KafkaClusterResource kafka, FactoryDatabase database, TimeProvider time) => new(
        setup.ControlUrl,
        setup.ControlToken,
        Environment.ProcessId,
        time.GetUtcNow(),
        setup.Kafka.Backing.ToString().ToLowerInvariant(),
        setup.Kafka.Reason,
        kafka.Bootstrap,
        $"http://localhost:{setup.WebPort}",
        $"http://localhost:{setup.ApiPort}",
        setup.FaultLabPort is { } lab ? $"http://localhost:{lab}" : "",
        database.Host,
        database.Port,
        database.User,
        setup.Postgres.Password,
        database.SensorPassword,
        database.Name,
        setup.Postgres.Directory?.Path ?? "",
        setup.Postgres.Installation is { } installation ? Path.Combine(installation.Bin, "psql") : "",
        setup.Postgres.Image?.Engine.Command ?? "",
        setup.Postgres.Volume ?? "",
        setup.LogDirectory);
}
