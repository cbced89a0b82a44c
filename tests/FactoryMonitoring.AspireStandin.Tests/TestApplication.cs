using System.Diagnostics;
using System.Net.Http.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace FactoryMonitoring.AspireStandin.Tests;

/// <summary>An application that a test builds and starts; every wait in it ends after <see cref="Limit"/>.</summary>
internal sealed class TestApplication : IAsyncDisposable
{
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly CancellationTokenSource _limit = new(Limit);

    private TestApplication(DistributedApplication app) => App = app;

    internal DistributedApplication App { get; }

    internal CancellationToken Token => _limit.Token;

    internal static async Task<TestApplication> StartAsync(Action<IDistributedApplicationTestingBuilder> build, params string[] args)
    {
        var builder = DistributedApplicationTestingBuilder.Create(args);
        build(builder);
        TestApplication test = new(await builder.BuildAsync());
        await test.App.StartAsync(test.Token);
        return test;
    }

    internal Task<ResourceEvent> StateAsync(string resource, string state)
        => App.ResourceNotifications.WaitForResourceAsync(resource, change => change.Snapshot.State?.Text == state, Token);

    internal Task<ResourceEvent> HealthyAsync(string resource) => App.ResourceNotifications.WaitForResourceHealthyAsync(resource, Token);

    internal async Task<Dictionary<string, string>> EnvironmentAsync(string resource)
    {
        await StateAsync(resource, KnownResourceStates.Running);
        await HealthyAsync(resource);
        using var client = App.CreateHttpClient(resource);
        return (await client.GetFromJsonAsync<Dictionary<string, string>>("/environment", Token))!;
    }

    internal Task<ExecuteCommandResult> CommandAsync(string resource, string command)
        => App.ResourceCommands.ExecuteCommandAsync(resource, command, Token);

    /// <summary>The first line that the resource has written, without its time.</summary>
    internal async Task<string> FirstLineAsync(string resource)
    {
        await StateAsync(resource, KnownResourceStates.Running);
        await foreach (var lines in App.Services.GetRequiredService<ResourceLoggerService>().WatchAsync(resource).WithCancellation(Token))
            foreach (var line in lines.Where(line => !line.Content.Contains("aiting for resource", StringComparison.Ordinal)))
                return line.Content[(line.Content.IndexOf(' ', StringComparison.Ordinal) + 1)..].TrimEnd();
        throw new InvalidOperationException($"'{resource}' has written nothing.");
    }

    internal static int ProcessId(ResourceEvent change)
        => (int)change.Snapshot.Properties.Single(property => property.Name == "executable.pid").Value!;

    internal static void Kill(int processId)
    {
        using var process = Process.GetProcessById(processId);
        process.Kill();
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        _limit.Dispose();
    }
}
