using System.Globalization;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;

namespace FactoryMonitoring.Tests.Data.Ingestion;

/// <summary>The learned baseline of a sensor moves with its partition, and the alert says what was usual.</summary>
public sealed class UnusualValueTests(PostgresFixture postgres) : DatabaseTest(postgres)
{
    private static readonly ConsumersOptions OftenDue = new() { SnapshotInterval = TimeSpan.FromMilliseconds(1) };

    private static readonly DetectionOptions Learning = new() { Types = { ["oven"] = new RuleOptions { Learning = true } } };

    [Fact]
    public async Task Whoever_takes_the_partition_over_raises_and_ends_the_alert_by_what_the_first_has_learned()
    {
        await using (var first = await LaneHarness.StartAsync(Database.Ingest, "c1", Timeout, OftenDue, Learning))
        {
            await first.ClaimAsync(0, Timeout);
            first.Post(Readings(0, 500, 75));
            await first.SettledAsync(Timeout);
        }

        await using (var second = await LaneHarness.StartAsync(Database.Ingest, "c2", Timeout, OftenDue, Learning))
        {
            await second.ClaimAsync(0, Timeout);
            second.Post(Readings(500, 10, 96));
            await second.SettledAsync(Timeout);
        }

        var alert = Assert.Single(await Database.RowsAsync("SELECT anomaly_type, severity, detected_by, description, resolved_at IS NULL FROM alerts", Timeout));
        Assert.Equal(["unusual_value", "medium", "c2"], alert[..3]);
        Assert.Matches(@"^Usual 7[345](\.\d)? to 7[567](\.\d)? °C at this hour, now 7\d(\.\d)? °C, the mean of the last 6 readings$", (string)alert[3]!);
        Assert.True((bool)alert[4]!);

        await using var third = await LaneHarness.StartAsync(Database.Ingest, "c3", Timeout, OftenDue, Learning);
        await third.ClaimAsync(0, Timeout);
        third.Post(Readings(510, 400, 75));
        await third.SettledAsync(Timeout);

        var ended = Assert.Single(await Database.RowsAsync("SELECT description, resolved_at IS NOT NULL, resolved_because, peak_value FROM alerts", Timeout));
        Assert.Equal([alert[3], true, null, 96.0], ended);
    }

    /// <summary>One reading every five minutes, alternately a degree up and down.</summary>
    private static IEnumerable<LogMessage> Readings(long first, int count, double value) =>
        from offset in Enumerable.Range((int)first, count)
        let time = new DateTime(2025, 9, 1, 0, 0, 0, DateTimeKind.Utc).AddMinutes(5 * offset).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)
        select new LogMessage(0, offset, LaneHarness.Reading("s", offset, value + (value > 90 ? 0 : offset % 3 / 2.0), "oven", time: time));
}
