using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.Tests.Containers;

/// <summary>
/// A test on the running stack, which begins and ends in its steady state: 5 sensors, 3 consumers, every partition owned, nothing missing and no duplicates.
/// </summary>
[Collection(ComposeCollection.Name)]
public abstract partial class ComposeTest(ComposeStack stack) : IAsyncLifetime
{
    // A query to a container starts a process, which costs more than the answer.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(4));
    private readonly HttpClient _http = new() { BaseAddress = stack.Address, Timeout = TimeSpan.FromSeconds(5) };

    protected static string[] Consumers { get; } = ["sensor-consumer-1", "sensor-consumer-2", "sensor-consumer-3"];

    protected static string[] Sensors { get; } = ["energy-sensor", "humidity-sensor", "pressure-sensor", "temperature-sensor", "vibration-sensor"];

    protected static string[] Brokers { get; } = ["kafka1", "kafka2", "kafka3"];

    protected ComposeStack Stack => stack;

    /// <summary>Cancelled after 4 minutes.</summary>
    protected CancellationToken Timeout => _limit.Token;

    public async Task InitializeAsync() => await SteadyAsync();

    public async Task DisposeAsync()
    {
        await SteadyAsync();
        await NothingLostNothingDoubledAsync();
        _http.Dispose();
        _limit.Dispose();
    }

    protected Task<string> DockerAsync(params string[] arguments) => Engine.DockerAsync(Timeout, arguments);

    /// <summary>Returns the output of docker inspect for a container.</summary>
    protected async Task<JsonElement> InspectAsync(string name)
    {
        using var document = JsonDocument.Parse(await DockerAsync("inspect", name));
        return document.RootElement[0].Clone();
    }

    protected async Task<JsonElement> EventuallyContainerAsync(string name, Func<JsonElement, bool> satisfies)
    {
        using var timer = new PeriodicTimer(Interval);
        while (true)
        {
            var container = await InspectAsync(name);
            if (satisfies(container)) return container;
            await timer.WaitForNextTickAsync(Timeout);
        }
    }

    /// <summary>Runs a query as the handout does, without headings: lines of values separated by |.</summary>
    protected async Task<string[]> PsqlAsync(string sql) =>
        (await DockerAsync("exec", "postgres", "psql", "-U", "factory_user", "-d", "factory_monitoring", "-At", "-c", sql))
        .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Polls the API, through the page's port, until the answer satisfies the condition; no answer counts as an unsatisfying one.</summary>
    protected async Task<T> EventuallyAsync<T>(string path, JsonTypeInfo<T> type, Func<T, bool> satisfies)
    {
        using var timer = new PeriodicTimer(Interval);
        while (true)
        {
            if (await AskAsync(path, type) is { } body && satisfies(body)) return body;
            await timer.WaitForNextTickAsync(Timeout);
        }
    }

    protected Task<SystemStatusBody> EventuallyStatusAsync(Func<SystemStatusBody, bool> satisfies) =>
        EventuallyAsync("/api/system-status", ApiJson.Context.SystemStatusBody, satisfies);

    protected async Task<ConsumerHealthBody[]> EventuallyConsumersAsync(Func<IReadOnlyList<ConsumerHealthBody>, bool> satisfies) =>
        [.. await EventuallyAsync("/api/consumer-health", ApiJson.Context.IReadOnlyListConsumerHealthBody, satisfies)];

    protected async Task<ProducerHealthBody> EventuallyProducerAsync(string id, Func<ProducerHealthBody, bool> satisfies) =>
        (await EventuallyAsync(
            "/api/producer-health",
            ApiJson.Context.IReadOnlyListProducerHealthBody,
            producers => producers.Any(producer => producer.ProducerId == id && satisfies(producer))))
        .Single(producer => producer.ProducerId == id);

    protected Task<ClusterBody> EventuallyClusterAsync(Func<ClusterBody, bool> satisfies) =>
        EventuallyAsync("/api/cluster", ApiJson.Context.ClusterBody, satisfies);

    /// <summary>Reloads a page until its text, with words separated by single spaces, contains these words in this order.</summary>
    protected async Task EventuallyPageShowsAsync(string path, string words)
    {
        using var timer = new PeriodicTimer(Interval);
        while (!await PageShowsAsync(path, words)) await timer.WaitForNextTickAsync(Timeout);
    }

    private async Task<bool> PageShowsAsync(string path, string words)
    {
        try
        {
            var html = await _http.GetStringAsync(path, Timeout);
            return Spaces().Replace(Tags().Replace(html, " "), " ").Contains(words, StringComparison.Ordinal);
        }
        catch (Exception exception) when (IsNoAnswer(exception))
        {
            return false;
        }
    }

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    protected async Task<long> StoredAsync() => long.Parse((await PsqlAsync("SELECT count(*) FROM sensor_readings"))[0]);

    /// <summary>Waits until more readings are stored than now.</summary>
    protected async Task ReadingsFlowAsync()
    {
        var before = (await EventuallyAsync("/api/ledger", ApiJson.Context.LedgerBody, _ => true)).Stored;
        await EventuallyAsync("/api/ledger", ApiJson.Context.LedgerBody, ledger => ledger.Stored > before);
    }

    private async Task SteadyAsync()
    {
        await EventuallyStatusAsync(body => body.Status is { Consumers.ActiveCount: 3, Producers.ActiveCount: 5 });
        await EventuallyClusterAsync(body => body.Brokers.Count(broker => broker.Up) == 3 && body.Partitions.All(partition =>
            partition.InSyncReplicas?.Count == 3 && Consumers.Contains(partition.Owner)));
    }

    private async Task NothingLostNothingDoubledAsync()
    {
        var now = DateTimeOffset.UtcNow;
        var ledger = await EventuallyAsync("/api/ledger", ApiJson.Context.LedgerBody, body => body.SettledAt > now);
        Assert.Equal((0, 0), (ledger.Missing, ledger.Duplicated));
        Assert.Empty(ledger.Violations);
        Assert.True(ledger.Acknowledged > 0);
        Assert.Equal(["0"], await PsqlAsync("SELECT count(*) - count(DISTINCT (sensor_id, sequence_id, reading_count)) FROM sensor_readings"));
    }

    private async Task<T?> AskAsync<T>(string path, JsonTypeInfo<T> type)
    {
        try
        {
            return await _http.GetFromJsonAsync(path, type, Timeout);
        }
        catch (Exception exception) when (IsNoAnswer(exception))
        {
            return default;
        }
    }

    private bool IsNoAnswer(Exception exception) =>
        exception is HttpRequestException or JsonException || (exception is TaskCanceledException && !Timeout.IsCancellationRequested);
}
