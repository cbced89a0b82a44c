using System.Net;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using FactoryMonitoring.Monitoring.Api.Streaming;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>/api/stream over a real connection.</summary>
public sealed class StreamTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    [Fact]
    public async Task The_whole_comes_first_and_then_what_changes()
    {
        var api = await StartServingApiAsync();
        await using var events = ReadAsync(api, null).GetAsyncEnumerator(Timeout);

        Assert.True(await events.MoveNextAsync());
        Assert.Equal("snapshot", events.Current.Name);
        Assert.Equal(
            ["system", "consumers", "producers", "cluster", "metrics", "ledger", "alerts", "rebalances", "taken_at", "stale"],
            JsonNode.Parse(events.Current.Data)!.AsObject().Select(pair => pair.Key));

        await InsertEventAsync(3);

        Assert.Equal(Event(1, 3), (await NextAsync(events, "rebalance")).Data);
    }

    [Fact]
    public async Task A_stream_with_nothing_new_says_that_it_is_alive()
    {
        var api = await StartServingApiAsync();
        await using var events = ReadAsync(api, null).GetAsyncEnumerator(Timeout);

        Assert.Equal(new("", "alive", ""), await NextAsync(events, "alive"));
    }

    [Fact]
    public async Task A_stall_that_becomes_known_replaces_its_event()
    {
        var api = await StartServingApiAsync();
        await InsertEventAsync(3);
        await using var events = ReadAsync(api, null).GetAsyncEnumerator(Timeout);
        Assert.True(await events.MoveNextAsync());
        if (JsonNode.Parse(events.Current.Data)!["rebalances"]!.AsArray().Count == 0)
        {
            Assert.Equal(Event(1, 3), (await NextAsync(events, "rebalance")).Data);
        }

        await ExecuteAsync("UPDATE rebalancing_events SET stall_ms = 6400");

        Assert.Equal(Event(1, 3, stall: 6400), (await NextAsync(events, "rebalance")).Data);
    }

    [Fact]
    public async Task Last_event_id_resumes_where_the_connection_broke()
    {
        var api = await StartServingApiAsync();
        string seen;
        await using (var events = ReadAsync(api, null).GetAsyncEnumerator(Timeout))
        {
            Assert.True(await events.MoveNextAsync());
            seen = events.Current.Id;
        }

        await InsertEventAsync(3);
        await EventuallyAsync(async () => (await api.GetAsync("/api/rebalancing-events", Timeout)).Json.AsArray().Count == 1);
        await InsertEventAsync(4);
        await EventuallyAsync(async () => (await api.GetAsync("/api/rebalancing-events", Timeout)).Json.AsArray().Count == 2);

        await using var resumed = ReadAsync(api, seen).GetAsyncEnumerator(Timeout);
        Assert.Equal([Event(1, 3), Event(2, 4)], [(await NextAsync(resumed, "rebalance", not: "snapshot")).Data, (await NextAsync(resumed, "rebalance", not: "snapshot")).Data]);
    }

    [Theory]
    [InlineData("another-1")]
    [InlineData("nonsense")]
    public async Task An_id_that_is_not_known_begins_anew(string lastEventId)
    {
        var api = await StartServingApiAsync();
        await using var events = ReadAsync(api, lastEventId).GetAsyncEnumerator(Timeout);

        Assert.True(await events.MoveNextAsync());
        Assert.Equal("snapshot", events.Current.Name);
    }

    [Fact]
    public async Task A_component_that_is_gone_is_gone_from_a_new_whole()
    {
        await ExecuteAsync("INSERT INTO consumer_health (consumer_id, status, last_heartbeat) VALUES ('sensor-consumer-1', 'active', clock_timestamp() + interval '1 h')");
        var api = await StartServingApiAsync();
        await using var events = ReadAsync(api, null).GetAsyncEnumerator(Timeout);
        Assert.True(await events.MoveNextAsync());

        await ExecuteAsync("DELETE FROM consumer_health");

        Assert.Equal("[]", JsonNode.Parse((await NextAsync(events, "snapshot")).Data)!["consumers"]!.ToJsonString());
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_dropped_and_the_others_are_not()
    {
        await ExecuteAsync("""
            INSERT INTO alerts (alert_id, sensor_id, sensor_type, anomaly_type, severity, description, detected_by)
            SELECT gen_random_uuid(), 'temp-sensor-001', 'temperature', 'rapid_value_change', 'medium', repeat('x', 30000), 'sensor-consumer-1' FROM generate_series(1, 50)
            """);
        var api = await StartServingApiAsync();
        var hub = api.Service<StreamHub>();
        await using var reading = ReadAsync(api, null).GetAsyncEnumerator(Timeout);
        Assert.True(await reading.MoveNextAsync());

        using var deaf = new TcpClient { ReceiveBufferSize = 4096 };
        await deaf.ConnectAsync("127.0.0.1", api.Client.BaseAddress!.Port, Timeout);
        await deaf.GetStream().WriteAsync("GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), Timeout);
        await EventuallyAsync(() => Task.FromResult(hub.Clients == 2));

        using var done = CancellationTokenSource.CreateLinkedTokenSource(Timeout);
        var changes = ChangeAsync(done.Token);
        while (hub.Clients == 2)
        {
            Assert.True(await reading.MoveNextAsync());
        }

        Assert.Equal(1, hub.Clients);
        Assert.True(await reading.MoveNextAsync());
        await done.CancelAsync();
        await changes;
    }

    private async Task ChangeAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Database.ScalarAsync<object>("UPDATE alerts SET occurrences = occurrences + 1; SELECT pg_notify('factory_changes', 'alert')", cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }

    private Task InsertEventAsync(int partition) => ExecuteAsync(
        "INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, \"timestamp\", generation, reason) VALUES ('sensor-consumer-1', 'assigned', $1, $2, 5, 'joined')",
        partition, Now);

    private string Event(int id, int partition, int? stall = null) =>
        $$"""{"event_type":"assigned","consumer_id":"sensor-consumer-1","partition_number":{{partition}},"timestamp":"{{Json(Now)}}","id":{{id}},"generation":5,"reason":"joined","stall_ms":{{(stall is null ? "null,\"delayed_readings\":null,\"delayed_unknown\":null" : $"{stall},\"delayed_readings\":null,\"delayed_unknown\":\"not_recorded\"")}}}""";

    private static async Task<StreamEvent> NextAsync(IAsyncEnumerator<StreamEvent> events, string name, string? not = null)
    {
        do
        {
            Assert.True(await events.MoveNextAsync(), $"the stream ended before an event {name}");
            Assert.NotEqual(not, events.Current.Name);
        }
        while (events.Current.Name != name);

        return events.Current;
    }

    private static async IAsyncEnumerable<StreamEvent> ReadAsync(ApiUnderTest api, string? lastEventId, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/stream");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        using var response = await api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(cancellationToken)).EnumerateAsync(cancellationToken))
        {
            yield return new(item.EventId ?? "", item.EventType, item.Data);
        }
    }

    private sealed record StreamEvent(string Id, string Name, string Data);
}
