using System.Net;
using System.Text.Json.Nodes;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.Data.Experiments;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FactoryMonitoring.Tests.Data.Monitoring;

public sealed class ExperimentTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    private ExperimentStore Store => new(Database.Monitor);

    [Fact]
    public async Task A_run_that_was_written_is_read_as_it_was()
    {
        var id = await Store.BeginAsync("consumer-killed", Now, "consumer", "processes", Timeout);
        var run = Run(id, Verdicts.Pass, 6400);

        await Store.WriteAsync(run, [], Timeout);

        Assert.Equivalent(run, await Store.FindAsync(id, Timeout), strict: true);
        Assert.Equal([run.Summary()], await Store.NewestAsync("consumer-killed", 10, null, null, Timeout));
        Assert.Equal([run.Summary()], await Store.NewestAsync(null, 10, null, null, Timeout));
        Assert.Empty(await Store.NewestAsync("scale", 10, null, null, Timeout));
        Assert.Null(await Store.FindAsync(id + 1, Timeout));
    }

    [Fact]
    public async Task Records_count_the_verdicts_of_one_protocol_and_one_kind_of_brokers()
    {
        var first = await EndedAsync("consumer", "processes", Verdicts.Pass, 6000);
        await EndedAsync("consumer", "processes", Verdicts.Fail, 8000);
        await EndedAsync("consumer", "processes", Verdicts.Pass, 6200);
        await EndedAsync("consumer", "processes", Verdicts.Pass, 6100);
        await EndedAsync("consumer", "processes", Verdicts.Pass, 6300);
        await EndedAsync("consumer", "processes", Verdicts.Aborted, null);
        await EndedAsync("classic", "processes", Verdicts.Pass, 6700);
        var last = await EndedAsync("consumer", "embedded", Verdicts.Pass, 7100);

        var (newest, records) = await Store.RecordsAsync("consumer", "processes", Timeout);

        Assert.True(last > first);
        Assert.Equal(last, Assert.Single(newest).Id);
        Assert.Equal([new ExperimentRecord("consumer-killed", 5, 4, 6200, 8000)], records);
    }

    [Fact]
    public async Task A_percentile_needs_five_recoveries_and_not_only_five_runs()
    {
        await EndedAsync("consumer", "processes", Verdicts.Fail, 8000);
        for (var run = 0; run < 4; run++) await EndedAsync("consumer", "processes", Verdicts.Fail, null);

        Assert.Equal([new ExperimentRecord("consumer-killed", 5, 0, null, null)], (await Store.RecordsAsync("consumer", "processes", Timeout)).Records);
    }

    [Fact]
    public async Task What_ran_when_its_runner_ended_is_aborted()
    {
        var forgotten = await Store.BeginAsync("scale", Now, null, null, Timeout);
        var running = await Store.BeginAsync("scale", Now, null, null, Timeout);

        Assert.Equal(1, await Store.AbandonAsync(running, Timeout));

        Assert.Equal(
            [(running, Verdicts.Running), (forgotten, Verdicts.Aborted)], (await Store.NewestAsync("scale", 10, null, null, Timeout)).Select(run => (run.Id, run.Verdict)));
    }

    [Fact]
    public async Task Everything_since_the_start_is_read()
    {
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log')");
        await ExecuteAsync("INSERT INTO consumers (consumer_id) VALUES ('c1'), ('c2')");
        await ExecuteAsync("""
            INSERT INTO partition_offsets (log_key, topic, kafka_partition, owner, epoch, next_offset, first_offset, claimed_at, recovered_at, last_commit_at,
                stored, rejected, duplicated)
            VALUES (1, 'sensor-data', 0, 'c2', 2, 30, 0, $1, $1, $1, 20, 3, 1)
            """, Now);
        await ExecuteAsync("""
            INSERT INTO partition_ownership (log_key, topic, kafka_partition, epoch, consumer_id, claimed_at, recovered_at, ended_at, ended_by)
            VALUES (1, 'sensor-data', 0, 1, 'c1', $1 - interval '1 h', $1 - interval '59 min', $1 - interval '7 s', 'lost'),
                   (1, 'sensor-data', 0, 2, 'c2', $1, NULL, NULL, NULL)
            """, Now);
        await ExecuteAsync("INSERT INTO component_exits (component_id, at, exit_code, cause) VALUES ('c1', $1 - interval '6 s', 137, 'killed'), ('c1', $1 - interval '1 h', 0, 'stopped')", Now);
        await ExecuteAsync("INSERT INTO producer_samples (at, producer_id, acknowledged, longest_wait_ms) VALUES ($1, 'p', 5, 40), ($1 - interval '20 s', 'p', 5, 900)", Now);
        await ExecuteAsync("""
            INSERT INTO acknowledgements (producer_id, sensor_id, log_key, kafka_partition, first_count, last_count, max_offset, acknowledged_at)
            VALUES ('p', 's', 1, 0, 1, 2, 31, $1 - interval '1 s'), ('p', 's', 1, 0, 3, 4, 33, $1 + interval '1 s')
            """, Now);
        await ExecuteAsync("INSERT INTO ledger (producer_id, log_key, kafka_partition, missing) VALUES ('p', 1, 0, 2)");
        var queries = new ExperimentQueries(Database.Monitor);

        var rows = await queries.ReadAsync("sensor-data", Now.AddSeconds(-10), Now.AddSeconds(-6), Now, Timeout);

        Assert.Equal(["c1"], rows.Exits.Select(exit => exit.ComponentId));
        Assert.Equal(
            [
                new(0, 1, "c1", Now.AddHours(-1), Now.AddMinutes(-59), Now.AddSeconds(-7), "lost"),
                new ClaimRow(0, 2, "c2", Now, Now, null, null),
            ],
            rows.Claims);
        Assert.Equal((new ExperimentTotals(20, 3, 2, 1), 40, 1L), (rows.Totals, rows.AcknowledgementWaitMs, rows.Unsettled));
        Assert.True(rows.DatabaseStartedAt < Now.AddSeconds(2));
        Assert.Null((await queries.ReadAsync("sensor-data", Now.AddSeconds(-10), null, Now, Timeout)).AcknowledgementWaitMs);
        Assert.Equal(30, (await queries.OffsetsAsync("sensor-data", Timeout))!.Next[0]);
        Assert.Null(await queries.OffsetsAsync("another", Timeout));
    }

    [Fact]
    public async Task Delays_and_gaps_are_those_of_the_readings_since_the_start()
    {
        await new FactoryMonitoring.Data.ReadingPartitions(Database.DataSource).EnsureAsync(DateOnly.FromDateTime(Now.AddDays(-1)), 2, Timeout);
        await ExecuteAsync("INSERT INTO logs (log_id) VALUES ('log')");
        await ExecuteAsync("INSERT INTO consumers (consumer_id) VALUES ('c1')");
        await ExecuteAsync("INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit) VALUES ('temp-sensor-001', 'temperature', '°C'), ('load-sensor-001', 'temperature', '°C')");

        // Offset, second of the event, second of the commit, and sensor. The third reading is years old, as in a replayed file; the last one ends a silence
        // that began while the fault was being undone.
        await ExecuteAsync("""
            INSERT INTO readings (processing_timestamp, "timestamp", kafka_offset, value, sensor_key, consumer_key, kafka_partition, quality, log_key, alert_level)
            SELECT $1 + committed * interval '1 s', $1 + happened * interval '1 s', kafka_offset, 1, sensor_key, 1, 0, 1, 1, 0
            FROM (VALUES (9, -9.0, 1.0, 1), (10, 1.0, 1.5, 1), (11, -1e8, 2.0, 1), (12, 2.0, 8.5, 2), (13, 8.0, 8.5, 1), (14, 8.5, 9.0, 1), (15, 18.0, 18.5, 1))
                v(kafka_offset, happened, committed, sensor_key)
            """, Now);
        var queries = new ExperimentQueries(Database.Monitor);

        var stored = await queries.StoredAsync(new(1, new Dictionary<int, long> { [0] = 10 }), Now, Now.AddSeconds(3), Now.AddSeconds(9), TimeSpan.FromSeconds(2), Timeout);

        Assert.Equal((6L, 1L, 6500, 1L), (stored.Stored, stored.Delayed, stored.LongestMs, stored.OfLoad));
        Assert.Equal([new CommitGap(0, Now.AddSeconds(2), Now.AddSeconds(8.5))], stored.Gaps);
    }

    [Fact]
    public async Task While_the_AppHost_does_not_answer_experiments_are_shown_and_not_run()
    {
        var id = await EndedAsync("consumer", "processes", Verdicts.Pass, 6000);
        await EndedAsync("consumer", null, Verdicts.Pass, 6000);
        var lab = await StartLabAsync(await StartServingApiAsync(), "http://127.0.0.1:9");

        var body = (await lab.GetAsync(LabRoutes.Experiments, Timeout)).Json;
        Assert.False(body["enabled"]!.GetValue<bool>());
        Assert.Equal("The control endpoint of the AppHost does not answer.", body["reason"]!.GetValue<string>());
        Assert.Equal(id + 1, body["experiments"]![0]!["last"]!["id"]!.GetValue<long>());
        Assert.Equal(
            """{"name":"flowing","what":"From the fault until every partition of the victim flows again","limit_ms":7000,"limit":7000,"unit":"ms"}""",
            body["experiments"]![0]!["limits"]![0]!.ToJsonString());

        using var refused = await lab.Client.PostAsync(new Uri(LabRoutes.RunOf("consumer-killed"), UriKind.Relative), null, Timeout);
        using var unknown = await lab.Client.PostAsync(new Uri(LabRoutes.RunOf("consumer-tickled"), UriKind.Relative), null, Timeout);
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.NotFound), (refused.StatusCode, unknown.StatusCode));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await lab.GetAsync(LabRoutes.Resources, Timeout)).Status);

        Assert.Equal(id, (await lab.GetAsync(LabRoutes.RunsOf("consumer-killed", 5), Timeout)).Json["runs"]![1]!["id"]!.GetValue<long>());
        Assert.Equal(HttpStatusCode.NotFound, (await lab.GetAsync(LabRoutes.RunsOf("consumer-tickled", 5), Timeout)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await lab.GetAsync(LabRoutes.RunsOf("consumer-killed", 501), Timeout)).Status);
        Assert.Equal(6000, (await lab.GetAsync(LabRoutes.RunWith(id), Timeout)).Json["recovery_ms"]!.GetValue<int>());
        Assert.Equal(6000, (await lab.GetAsync(LabRoutes.ReportOf(id, "json"), Timeout)).Json["recovery_ms"]!.GetValue<int>());
        Assert.StartsWith("# A consumer is killed: PASS\n", (await lab.GetAsync(LabRoutes.ReportOf(id, "md"), Timeout)).Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await lab.GetAsync(LabRoutes.ReportOf(id + 2, "md"), Timeout)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await lab.GetAsync(LabRoutes.RunWith(id + 2), Timeout)).Status);
    }

    [Fact]
    public async Task Nothing_is_broken_while_nobody_would_see_it()
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        await using var control = builder.Build();
        control.MapGet(ControlRoutes.Faults, () => Results.Json(new(true, null, KafkaBackings.Processes, 3, 6, [], LoadBody.None), ControlJson.Context.FaultsBody));
        await control.StartAsync(Timeout);
        var api = await StartServingApiAsync();
        var lab = await StartLabAsync(api, control.Urls.First());
        Assert.True((await lab.GetAsync(LabRoutes.Experiments, Timeout)).Json["enabled"]!.GetValue<bool>());

        await api.StopAsync();

        Assert.Equal("The monitoring API does not answer: nobody would see what an experiment does.", (await lab.GetAsync(LabRoutes.Experiments, Timeout)).Json["reason"]!.GetValue<string>());
        using var refused = await lab.Client.PostAsync(new Uri(LabRoutes.RunOf("consumer-killed"), UriKind.Relative), null, Timeout);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Empty(await Store.NewestAsync(null, 10, null, null, Timeout));
    }

    [Fact]
    public async Task A_single_fault_is_passed_on_with_the_token_and_its_answer_comes_back()
    {
        var asked = new List<(string?, string)>();
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        await using var control = builder.Build();
        control.MapPost(ControlRoutes.Commands, async (HttpRequest request) =>
        {
            using var body = new StreamReader(request.Body);
            asked.Add((request.Headers.Authorization, await body.ReadToEndAsync(Timeout)));
            return Results.Json(new("kafka9 is not there"), ControlJson.Context.CommandAnswer, statusCode: StatusCodes.Status404NotFound);
        });
        await control.StartAsync(Timeout);
        var lab = await StartLabAsync(await StartServingApiAsync(), control.Urls.First());

        Assert.Equal((HttpStatusCode.NotFound, "kafka9 is not there"), await SendAsync("""{"command":"resource","name":"kafka9","action":"kill","by":"somebody else"}"""));
        Assert.Equal((HttpStatusCode.BadRequest, "consumers = many: must be an integer"), await SendAsync("""{"command":"scale","consumers":"many"}"""));
        Assert.Equal([("Bearer secret", """{"command":"resource","name":"kafka9","action":"kill","by":"fault lab"}""")], asked);

        // The headers that a browser sends from another site's page.
        Assert.Equal(HttpStatusCode.Forbidden, await FromBrowserAsync("Origin", "http://elsewhere.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await FromBrowserAsync("Sec-Fetch-Site", "cross-site"));
        Assert.Single(asked);

        async Task<(HttpStatusCode, string)> SendAsync(string command)
        {
            using var content = new StringContent(command);
            using var response = await lab.Client.PostAsync(new Uri(LabRoutes.Commands, UriKind.Relative), content, Timeout);
            return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(Timeout))!["message"]!.GetValue<string>());
        }

        async Task<HttpStatusCode> FromBrowserAsync(string header, string value)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, LabRoutes.RunOf("consumer-killed")) { Headers = { { header, value } } };
            using var response = await lab.Client.SendAsync(request, Timeout);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task What_has_to_be_undone_is_read_as_it_was_written()
    {
        ControlCommand[] undo = [new ResourceCommand("sensor-consumer-1", ResourceAction.Start), new ScaleCommand(3), new LinkCommand(FactoryLink.Kafka, LinkAction.Restore)];
        var id = await Store.BeginAsync("network-cut", Now, null, null, Timeout);
        await Store.WriteAsync(Run(id, Verdicts.Running, null), undo, Timeout);
        // As an earlier version wrote it.
        var earlier = await Store.BeginAsync("scale", Now, null, null, Timeout);
        await Store.WriteAsync(Run(earlier, Verdicts.Running, null), [], Timeout);
        await ExecuteAsync("UPDATE experiment_runs SET undo = '{scale?consumers=3}' WHERE id = $1", earlier);

        var unfinished = await Store.UnfinishedAsync(0, Timeout);

        Assert.Equal([(id, 3), (earlier, 0)], unfinished.Select(run => (run.Run.Id, run.Undo.Count)));
        Assert.Equal(undo, unfinished[0].Undo);
    }

    private async Task<long> EndedAsync(string protocol, string? backing, string verdict, int? recoveryMs)
    {
        var id = await Store.BeginAsync("consumer-killed", Now, protocol, backing, Timeout);
        await Store.WriteAsync(Run(id, verdict, recoveryMs) with { GroupProtocol = protocol, KafkaBacking = backing }, [], Timeout);
        return id;
    }

    private ExperimentRunBody Run(long id, string verdict, int? recoveryMs) => new(
        id, "consumer-killed", "A consumer is killed", Now, Now.AddSeconds(20), verdict, "consumer", "processes", "sensor-consumer-2", recoveryMs, 12, 0, 0,
        ExperimentPhases.Verdict, null, null, Now.AddSeconds(5), "exit", 5900, 5100, 6000, recoveryMs, 7000, 20,
        [new(1, "sensor-consumer-2", "sensor-consumer-1", 6000, recoveryMs, 7000, 6500)],
        new(2000, 12, 6300, 500, 0, 0, 0), 0,
        [new("flowing", "From the fault until every partition of the victim flows again", 7000, recoveryMs, "ms", true, "It held.")],
        [new(0, "sensor-consumer-2 is killed, exit code 137")]);
}
