using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable
{
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

/// <summary>
/// Builds an application for a test: an AppHost's own, whose entry point runs in this process up to its Build, or an empty one.
/// Environment Development, no dashboard, proxied endpoints on free ports, the lines of resources in the log.
/// </summary>
public static class DistributedApplicationTestingBuilder
{
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(CancellationToken cancellationToken = default)
        where TEntryPoint : class => CreateAsync<TEntryPoint>([], cancellationToken);

    /// <summary>The arguments are the entry point's: <c>--Key=Value</c> is configuration before the AppHost's first line.</summary>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args, CancellationToken cancellationToken = default) where TEntryPoint : class =>
        CreateAsync<TEntryPoint>(args, (_, _) => { }, cancellationToken);

    /// <summary>As above; the options are the test's to change, before the builder is made of them.</summary>
    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder,
        CancellationToken cancellationToken = default) where TEntryPoint : class
    {
        AppHostRun run = new(typeof(TEntryPoint).Assembly, args, configureBuilder);
        return new TestingBuilder(await run.BuilderAsync(cancellationToken), run.BuildAsync, run.DisposeAsync);
    }

    public static IDistributedApplicationTestingBuilder Create(params string[] args)
    {
        BuilderInterception.Current.Value = new BuilderInterception(null, (_, _) => { }, _ => { }, _ => { });
        try
        {
            DistributedApplicationBuilder builder = new(args);
            return new TestingBuilder(builder, _ => Task.FromResult(builder.Build()), () => ValueTask.CompletedTask);
        }
        finally
        {
            BuilderInterception.Current.Value = null;
        }
    }

    private sealed class TestingBuilder(
        DistributedApplicationBuilder inner, Func<CancellationToken, Task<DistributedApplication>> build, Func<ValueTask> dispose)
        : IDistributedApplicationTestingBuilder
    {
        public ConfigurationManager Configuration => inner.Configuration;

        public string AppHostDirectory => inner.AppHostDirectory;

        public IHostEnvironment Environment => inner.Environment;

        public IServiceCollection Services => inner.Services;

        public IDistributedApplicationEventing Eventing => inner.Eventing;

        public IResourceCollection Resources => inner.Resources;

        public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource => inner.AddResource(resource);

        public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource => inner.CreateResourceBuilder(resource);

        public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken) => build(cancellationToken);

        public DistributedApplication Build() => build(CancellationToken.None).GetAwaiter().GetResult();

        public ValueTask DisposeAsync() => dispose();
    }
}
