using System.Globalization;
using Aspire.Hosting.Testing;
using FactoryMonitoring.Tests.Telemetry.Otlp;

namespace FactoryMonitoring.Tests.Telemetry;

/// <summary>A test on the running stack, with one token that limits all waiting.</summary>
[Collection(StackCollection.Name)]
public abstract class StackTest(StackFixture stack) : IAsyncLifetime
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));

    protected StackFixture Stack => stack;

    private protected OtlpCollector Collector => stack.Collector;

    /// <summary>Cancelled after three minutes.</summary>
    protected CancellationToken Timeout => _limit.Token;

    /// <summary>Waits until everything that another test has restarted is up again.</summary>
    public Task InitializeAsync() => stack.IsHealthyAsync(Timeout);

    public Task DisposeAsync()
    {
        _limit.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>Polls until there is an answer; the test fails at its limit.</summary>
    protected async Task<T> EventuallyAsync<T>(Func<Task<T?>> ask) where T : class
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        T? answer;
        while ((answer = await ask()) is null) await timer.WaitForNextTickAsync(Timeout);
        return answer;
    }

    protected async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await condition()) await timer.WaitForNextTickAsync(Timeout);
    }

    protected async Task<T> QueryAsync<T>(string sql, params object[] parameters)
    {
        await using var command = stack.Database.CreateCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(new() { Value = parameter });
        return await command.ExecuteScalarAsync(Timeout) is T value ? value : default!;
    }

    protected async Task<string> GetAsync(string service, string path, string accept = "*/*")
    {
        using var client = stack.App.CreateHttpClient(service);
        client.DefaultRequestHeaders.Add("Accept", accept);
        return await client.GetStringAsync(path, Timeout);
    }

    /// <summary>Returns the samples of a service's /metrics.</summary>
    private protected async Task<MetricsPage> ScrapeAsync(string service) => MetricsPage.Parse(await GetAsync(service, "/metrics"));

    /// <summary>Returns a metric summed over the consumers.</summary>
    private protected async Task<double> SumOfConsumersAsync(string metric, params (string Label, string Value)[] labels)
    {
        var pages = await Task.WhenAll(StackFixture.Consumers.Select(ScrapeAsync));
        return pages.Sum(page => page.Sum(metric, labels));
    }

    protected static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
