using System.Net;
using System.Text.Json.Nodes;
using FactoryMonitoring.Data.Experiments;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Tests.Data.Monitoring;

/// <summary>What the API answers for a range of time.</summary>
[Trait("Loop", "quick")]
public sealed class TimeRangeTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    /// <summary>A whole minute three hours ago.</summary>
    private DateTime Minute => new(Now.AddHours(-3).Ticks / TimeSpan.TicksPerMinute * TimeSpan.TicksPerMinute, DateTimeKind.Utc);

    private async Task SampleAsync(DateTime from, int seconds)
    {
        // Nine readings in the bucket of 20 ms and one in that of 40 ms.
        await ExecuteAsync("""
            INSERT INTO consumer_samples (at, consumer_id, stored, latency_histogram)
            SELECT $1 + make_interval(secs => s), c, 10, ARRAY(SELECT CASE i WHEN 20 THEN 9 WHEN 30 THEN 1 ELSE 0 END FROM generate_series(1, 30) i)
            FROM generate_series(0, $2 - 1) s, unnest('{c1,c2}'::text[]) c
            """, from, seconds);
        await ExecuteAsync("INSERT INTO producer_samples (at, producer_id, acknowledged) SELECT $1 + make_interval(secs => s), 'p', 21 FROM generate_series(0, $2 - 1) s", from, seconds);
        await ExecuteAsync("INSERT INTO lag_samples (at, lag, lag_seconds) SELECT $1 + make_interval(secs => s), s, s / 100.0 FROM generate_series(0, $2 - 1) s", from, seconds);
    }

    private async Task SumUpAsync()
    {
        var store = new MinuteStore(Database.Monitor);
        (DateTimeOffset? From, bool IsMore) next = (null, true);
        while (next.IsMore)
        {
            next = await store.SumUpAsync(next.From, Timeout);
        }
    }

    [Fact]
    public async Task Minutes_are_summed_up_once_whoever_does_it()
    {
        await SampleAsync(Minute.AddSeconds(-20), 90);
        await Task.WhenAll(SumUpAsync(), SumUpAsync());
        await SumUpAsync();

        Assert.Equal(
            [[Minute.AddMinutes(-1), 420L, 400L, 19L, 0.19], [Minute, 1_260L, 1_200L, 79L, 0.79], [Minute.AddMinutes(1), 210L, 200L, 89L, 0.89]],
            await Database.RowsAsync("SELECT at, acknowledged, stored, lag, lag_seconds FROM pipeline_minutes ORDER BY at", Timeout));
        Assert.Equal([[30, 18 * 60, 2 * 60]], await Database.RowsAsync($"SELECT cardinality(latency_histogram), latency_histogram[20], latency_histogram[30] FROM pipeline_minutes WHERE stored = 1200", Timeout));
        Assert.Equal(
            [["c1", 200L], ["c1", 600L], ["c1", 100L], ["c2", 200L], ["c2", 600L], ["c2", 100L]],
            await Database.RowsAsync("SELECT consumer_id, stored FROM consumer_minutes ORDER BY consumer_id, at", Timeout));
    }

    [Fact]
    public async Task A_minute_that_is_not_over_is_not_summed_up()
    {
        await SampleAsync(Now.AddSeconds(-5), 5);
        await SumUpAsync();

        Assert.Equal(0L, await Database.ScalarAsync<long>("SELECT count(*) FROM pipeline_minutes", Timeout));
    }

    [Fact]
    public async Task A_curve_of_hours_is_of_minutes_and_of_the_seconds_after_them()
    {
        await SampleAsync(Minute, 60);
        await SumUpAsync();
        // The samples themselves may be gone; those of a minute that was not summed up are not.
        await ExecuteAsync("TRUNCATE consumer_samples, producer_samples, lag_samples");
        var recent = new DateTime(Now.AddMinutes(-5).Ticks / TimeSpan.TicksPerMinute * TimeSpan.TicksPerMinute, DateTimeKind.Utc);
        await SampleAsync(recent, 60);

        var history = await new HistoryQueries(Database.Monitor).ReadAsync(new(TimeSpan.FromHours(4)), Timeout);
        var rates = await new HistoryQueries(Database.Monitor).RatesAsync(new(TimeSpan.FromHours(4)), Timeout);

        Assert.Equal(60, history.IntervalSeconds);
        Assert.Equal([new(Minute, 21, 20, 20, 40, 40, 59, 0.59), new(recent, 21, 20, 20, 40, 40, 59, 0.59)], history.Points);
        var seconds = (history.To.UtcDateTime - Minute).TotalSeconds;
        Assert.Equal(new(2_520 / seconds, 2_400 / seconds, 20, 40, 40, 59, 0.59), history.Whole);
        Assert.Equal(["c1", "c2"], rates.Consumers.Select(consumer => consumer.ConsumerId));
        Assert.All(rates.Consumers, consumer => Assert.Equal([new(Minute, 10), new(recent, 10)], consumer.Rates));
    }

    [Fact]
    public async Task The_first_interval_counts_from_the_first_measurement_on()
    {
        await SampleAsync(Minute.AddSeconds(50), 25); // intervals of 15 s: the last 10 s of one, and the next

        var (from, to) = (new DateTimeOffset(Minute), new DateTimeOffset(Minute.AddMinutes(20)));
        var history = await new HistoryQueries(Database.Monitor).ReadAsync(new(to - from, from, to), Timeout);
        var rates = await new HistoryQueries(Database.Monitor).RatesAsync(new(to - from, from, to), Timeout);

        Assert.Equal([20.0, 20.0], history.Points.Select(point => point.StoredPerSecond));
        Assert.All(rates.Consumers, consumer => Assert.Equal([10.0, 10.0], consumer.Rates.Select(rate => rate.PerSecond)));
    }

    [Fact]
    public async Task The_present_interval_counts_as_far_as_it_is_over()
    {
        var hour = new DateTime(Now.Ticks / TimeSpan.TicksPerHour / 2 * 2 * TimeSpan.TicksPerHour, DateTimeKind.Utc); // a curve of a month has intervals of two hours
        await ExecuteAsync("INSERT INTO consumer_minutes (at, consumer_id, stored) VALUES ($1, 'c1', 7200)", hour);
        await ExecuteAsync("INSERT INTO pipeline_minutes (at, acknowledged, stored, latency_histogram) VALUES ($1, 7200, 7200, '{}')", hour);

        var history = await new HistoryQueries(Database.Monitor).ReadAsync(new(TimeSpan.FromDays(31)), Timeout);
        var rates = await new HistoryQueries(Database.Monitor).RatesAsync(new(TimeSpan.FromDays(31)), Timeout);

        Assert.Equal(7_200 / (history.To.UtcDateTime - hour).TotalSeconds, Assert.Single(history.Points).StoredPerSecond, 6);
        Assert.Equal(7_200 / (rates.To.UtcDateTime - hour).TotalSeconds, Assert.Single(Assert.Single(rates.Consumers).Rates).PerSecond, 6);
        Assert.InRange(history.To.UtcDateTime, Now.AddSeconds(-10), DateTime.UtcNow);
    }

    [Fact]
    public async Task A_curve_of_a_past_range_has_its_ends()
    {
        await SampleAsync(Minute, 300);
        var (from, to) = (new DateTimeOffset(Minute.AddSeconds(61)), new DateTimeOffset(Minute.AddSeconds(119)));

        var history = await new HistoryQueries(Database.Monitor).ReadAsync(new(to - from, from, to), Timeout);

        Assert.Equal((5, Minute.AddSeconds(60), Minute.AddSeconds(120)), (history.IntervalSeconds, history.From.UtcDateTime, history.To.UtcDateTime));
        Assert.Equal(12, history.Points.Count);
        Assert.Equal((119, Minute.AddSeconds(115)), (history.Points[^1].Lag!.Value, history.Points[^1].At.UtcDateTime));
    }

    [Fact]
    public async Task Ownerships_rebalances_and_changes_of_the_cluster_are_those_of_the_range()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log-a')");
        await ExecuteAsync("""
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, ended_at, ended_by)
            SELECT 1, 'sensor-data', 0, h, 'c' || h, $1 + make_interval(hours => h), CASE WHEN h < 3 THEN $1 + make_interval(hours => h + 1) END, CASE WHEN h < 3 THEN 'revoked' END
            FROM generate_series(0, 3) h
            """, Minute);
        await ExecuteAsync("""
            INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, "timestamp", log_key, generation)
            SELECT 'c' || h, 'assigned', 0, $1 + make_interval(hours => h), 1, h FROM generate_series(0, 3) h
            """, Minute);
        await ExecuteAsync("INSERT INTO cluster_changes (kind, component_id, status, at) SELECT 'controller', 'controller', 'kafka' || h, $1 + make_interval(hours => h) FROM generate_series(0, 3) h", Minute);
        await ExecuteAsync("INSERT INTO component_exits (component_id, at, exit_code, cause) SELECT 'c' || h, $1 + make_interval(hours => h), 137, 'killed' FROM generate_series(0, 3) h", Minute);
        var api = await StartServingApiAsync();
        var range = $"from={Json(Minute.AddMinutes(30))}&to={Json(Minute.AddMinutes(90))}";

        var ownership = (await api.GetAsync($"/api/ownership?{range}", Timeout)).Json;
        var rebalances = (await api.GetAsync($"/api/rebalances?{range}", Timeout)).Json.AsArray();
        var changes = (await api.GetAsync($"/api/cluster-details?{range}", Timeout)).Json["changes"]!.AsArray();

        Assert.Equal(["c0", "c1"], ownership["spans"]!.AsArray().Select(span => (string)span!["consumer_id"]!));
        Assert.Equal(["c1"], ownership["marks"]!.AsArray().Select(mark => (string)mark!["component_id"]!));
        Assert.Equal((Minute.AddMinutes(30), Minute.AddMinutes(90)), ((DateTime)ownership["from"]!, (DateTime)ownership["to"]!));
        Assert.Equal(["c1"], rebalances.Select(each => (string)each!["consumer_id"]!));
        Assert.Equal(["kafka1"], changes.Select(each => (string)each!["status"]!));
        Assert.Equal(4, (await api.GetAsync("/api/rebalances?window=1d", Timeout)).Json.AsArray().Count);
        Assert.Equal(3, (await api.GetAsync($"/api/rebalances?from={Json(Minute.AddMinutes(30))}", Timeout)).Json.AsArray().Count);
    }

    [Fact]
    public async Task Of_too_many_events_the_newest_whole_rebalances_are_read()
    {
        await ExecuteAsync("""
            INSERT INTO rebalancing_events (consumer_id, event_type, partition_number, "timestamp", generation)
            SELECT 'c1', 'assigned', p, $1 - make_interval(mins => 5 * r), r FROM generate_series(1, 30) r, generate_series(0, 99) p
            """, Now);

        var events = await new RebalanceQueries(Database.Monitor).ReadAsync(new(TimeSpan.FromHours(5)), Timeout);

        Assert.Equal(Enumerable.Range(1, 20).Select(generation => (long?)generation), events.Select(each => each.Generation).Distinct());
        Assert.All(events.GroupBy(each => each.Generation), rebalance => Assert.Equal(100, rebalance.Count()));
    }

    [Fact]
    public async Task What_is_stored_begins_with_the_factory_or_where_the_retention_ends()
    {
        var api = await StartServingApiAsync();
        Assert.Null(await StoredSinceAsync());

        await ExecuteAsync("INSERT INTO logs (log_id, first_seen) VALUES ('log-a', $1)", Minute);
        await EventuallyAsync(async () => await StoredSinceAsync() == Minute);

        await ExecuteAsync("UPDATE logs SET first_seen = $1", Now.AddDays(-30));
        var keep = TimeSpan.FromDays(7);
        await EventuallyAsync(async () => await StoredSinceAsync() is { } since && since > Now - keep - TimeSpan.FromMinutes(1) && since < DateTime.UtcNow - keep + TimeSpan.FromMinutes(2));

        async Task<DateTime?> StoredSinceAsync() => (DateTime?)(await api.GetAsync("/api/system-status", Timeout)).Json["stored_since"];
    }

    [Fact]
    public async Task Runs_of_experiments_are_those_that_were_started_in_the_range()
    {
        var store = new ExperimentStore(Database.Monitor);
        for (var hours = 0; hours < 4; hours++)
        {
            await store.BeginAsync("scale", Minute.AddHours(hours), null, null, Timeout);
        }

        var api = await StartServingApiAsync();
        var lab = await StartLabAsync(api, "http://127.0.0.1:1");

        Assert.Equal(4, (await RunsAsync("")).Count);
        Assert.Equal(2, (await RunsAsync("&window=100m")).Count);
        Assert.Equal([Minute.AddHours(1)], (await RunsAsync($"&from={Json(Minute.AddMinutes(30))}&to={Json(Minute.AddMinutes(90))}")).Select(run => (DateTime)run!["started_at"]!));
        var refused = await lab.GetAsync("/api/experiments/runs?window=1y&limit=0", Timeout);
        Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
        Assert.Equal(["limit", "window"], refused.Json["errors"]!.AsObject().Select(error => error.Key).Order());

        async Task<JsonArray> RunsAsync(string range) => (await lab.GetAsync($"/api/experiments/runs?name=scale{range}", Timeout)).Json["runs"]!.AsArray();
    }
}
