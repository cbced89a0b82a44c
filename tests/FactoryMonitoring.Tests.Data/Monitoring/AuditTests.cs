using System.Net;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.Tests.Data.Monitoring;

[Trait("Loop", "quick")]
public sealed class AuditTests(PostgresFixture postgres) : MonitoringApiTest(postgres)
{
    [Fact]
    public async Task Who_did_what_is_told_page_by_page_and_as_a_file()
    {
        var store = new AuditStore(Database.Monitor);
        await store.WriteAsync(new(0, Now, "make", null, null, "kill postgres", true, "postgres: killed"), Timeout);
        await store.WriteAsync(new(0, Now, "ada, \"the first\"", FactoryRole.Operator, "192.0.2.7", "scale to 9 consumers", false, new string('x', 5_000)), Timeout);
        var api = await StartServingApiAsync();

        var newest = await api.GetAsync("/api/audit?limit=1", Timeout);
        Assert.Equal(
            $$"""[{"id":2,"at":"{{Json(Now)}}","who":"ada, \"the first\"","role":"operator","address":"192.0.2.7","act":"scale to 9 consumers","done":false,"result":"{{new string('x', 1_000)}}"}]""",
            newest.Body);
        Assert.Equal(
            $$"""[{"id":1,"at":"{{Json(Now)}}","who":"make","role":null,"address":null,"act":"kill postgres","done":true,"result":"postgres: killed"}]""",
            (await api.GetAsync("/api/audit?before=2", Timeout)).Body);
        Assert.Equal(HttpStatusCode.BadRequest, (await api.GetAsync("/api/audit?before=x", Timeout)).Status);

        var file = await api.Client.GetStringAsync("/api/export/audit.csv?window=1h", Timeout);
        Assert.Equal("at,who,role,address,act,done,result", file.Split("\r\n")[0]);
        Assert.EndsWith(",make,,,kill postgres,true,postgres: killed", file.Split("\r\n")[1], StringComparison.Ordinal);
        Assert.Contains(",\"ada, \"\"the first\"\"\",operator,192.0.2.7,scale to 9 consumers,false,", file.Split("\r\n")[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE audit_log SET who = 'nobody'")]
    [InlineData("DELETE FROM audit_log")]
    [InlineData("TRUNCATE audit_log")]
    public async Task Nobody_changes_what_was_done(string sql)
    {
        await new AuditStore(Database.Monitor).WriteAsync(new(0, Now, "make", null, null, "kill postgres", true, "postgres: killed"), Timeout);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => Database.RowsAsync(sql, Timeout));
        Assert.Equal("the audit log is append-only", refused.MessageText);
        Assert.Equal(1L, await Database.ScalarAsync<long>("SELECT count(*) FROM audit_log WHERE who = 'make'", Timeout));
    }

    [Fact]
    public async Task Whatever_a_request_has_in_it_can_be_written()
    {
        var store = new AuditStore(Database.Monitor);

        await store.WriteAsync(new(0, Now, "a\0b\ud800c", null, "\r\n", $"GET /{new string('x', 994)}\U0001F980", false, "\U0001F980"), Timeout);

        var entry = Assert.Single(await store.ListAsync(null, 10, Timeout));
        Assert.Equal(("a\ufffdb\ufffdc", "\ufffd\ufffd", $"GET /{new string('x', 994)}", "\U0001F980"), (entry.Who, entry.Address, entry.Act, entry.Result));
    }

    [Fact]
    public async Task An_entry_is_kept_for_a_year()
    {
        var store = new AuditStore(Database.Monitor);
        await store.WriteAsync(new(0, Now.AddDays(-367), "long ago", null, null, "kill postgres", true, "postgres: killed"), Timeout);
        await store.WriteAsync(new(0, Now.AddDays(-360), "lately", null, null, "kill postgres", true, "postgres: killed"), Timeout);

        await new RetentionStore(Database.Ingest).PruneAsync(Timeout);

        Assert.Equal(["lately"], (await store.ListAsync(null, 10, Timeout)).Select(entry => entry.Who));
    }
}
