using System.Net.Sockets;
using System.Text.Json.Nodes;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

public static class ProjectResourceBuilderExtensions
{
    /// <summary>Takes the launch profile that the AppHost itself has, or else the project's first.</summary>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new() => builder.Add<TProject>(name, (project, path)
            => project.WithLaunchProfile(path, null, builder.Configuration["DOTNET_LAUNCH_PROFILE"]));

    /// <summary>Takes the launch profile named, or none.</summary>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, string? launchProfileName) where TProject : IProjectMetadata, new()
        => builder.Add<TProject>(name, (project, path) =>
        {
            if (launchProfileName is not null)
                project.WithLaunchProfile(path, launchProfileName, null);
        });

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas)
        => builder.WithAnnotation(new ReplicaAnnotation(replicas), ResourceAnnotationMutationBehavior.Replace);

    private static IResourceBuilder<ProjectResource> Add<TProject>(
        this IDistributedApplicationBuilder builder, string name, Action<IResourceBuilder<ProjectResource>, string> withLaunchProfile)
        where TProject : IProjectMetadata, new()
    {
        TProject metadata = new();
        var project = builder.AddResource(new ProjectResource(name))
            .WithAnnotation<IProjectMetadata>(metadata)
            .WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory")
            .WithOtlpExporter()
            .WithEnvironment("LOGGING__CONSOLE__FORMATTERNAME", "simple");
        withLaunchProfile(project, metadata.ProjectPath);
        return project.WithEnvironment(context =>
        {
            var urls = project.Resource.Annotations.OfType<EndpointAnnotation>().Where(endpoint => endpoint.UriScheme is "http" or "https")
                .Select(endpoint => $"{endpoint.UriScheme}://localhost:{endpoint.ReplicaPorts[context.Replica]}").ToList();
            if (urls.Count > 0)
                context.EnvironmentVariables.TryAdd("ASPNETCORE_URLS", string.Join(';', urls));
        });
    }

    private static void WithLaunchProfile(
        this IResourceBuilder<ProjectResource> project, string projectPath, string? name, string? appHostsProfile)
    {
        var path = Path.Combine(Path.GetDirectoryName(projectPath)!, "Properties", "launchSettings.json");
        var profiles = File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path), null,
            new() { CommentHandling = System.Text.Json.JsonCommentHandling.Skip, AllowTrailingCommas = true })?["profiles"]?.AsObject() : null;
        if (name is not null && profiles?[name] is null)
            throw new DistributedApplicationException($"Launch profile '{name}' of project '{projectPath}' not found.");
        var profile = name is not null ? profiles![name] : appHostsProfile is not null && profiles?[appHostsProfile] is { } same ? same
            : profiles?.Select(entry => entry.Value).FirstOrDefault(value => (string?)value?["commandName"] == "Project");
        if (profile is null)
            return;
        foreach (var url in ((string?)profile["applicationUrl"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Select(url => new Uri(url)))
            project.WithAnnotation(new EndpointAnnotation(ProtocolType.Tcp, url.Scheme, port: url.Port));
        foreach (var (key, value) in profile["environmentVariables"]?.AsObject() ?? [])
            project.WithEnvironment(key, Environment.ExpandEnvironmentVariables((string?)value ?? ""));
    }
}

public static class ExecutableResourceBuilderExtensions
{
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder, string name, string command, string workingDirectory, params string[]? args)
        => builder.AddResource(new ExecutableResource(name, command, Path.GetFullPath(workingDirectory, builder.AppHostDirectory)))
            .WithArgs(args ?? []);

    public static IResourceBuilder<T> WithWorkingDirectory<T>(this IResourceBuilder<T> builder, string workingDirectory)
        where T : ExecutableResource
    {
        builder.Resource.WorkingDirectory = Path.GetFullPath(workingDirectory, builder.ApplicationBuilder.AppHostDirectory);
        return builder;
    }
}

public static class OtlpConfigurationExtensions
{
    private static readonly string[] Delays = ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BLRP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL"];

    /// <summary>Tells the resource where to send its telemetry, once an OTLP endpoint is configured; the stand-in assumes none.</summary>
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder) where T : IResourceWithEnvironment
    {
        var application = builder.ApplicationBuilder;
        return builder.WithEnvironment(context =>
        {
            var (configuration, variables) = (application.Configuration, context.EnvironmentVariables);
            var endpoint = configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] ?? configuration["DOTNET_DASHBOARD_OTLP_ENDPOINT_URL"];
            if (string.IsNullOrEmpty(endpoint))
                return;
            var id = builder.Resource.InstanceIds()[context.Replica];
            variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint;
            variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
            variables["OTEL_SERVICE_NAME"] = builder.Resource.Name;
            variables["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={id[(builder.Resource.Name.Length + 1)..]}";
            if (configuration["AppHost:OtlpApiKey"] is { } key)
                variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={key}";
            if (!application.Environment.IsDevelopment())
                return;
            foreach (var name in Delays)
                variables[name] = "1000";
            variables["OTEL_TRACES_SAMPLER"] = "always_on";
            variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
        });
    }
}
