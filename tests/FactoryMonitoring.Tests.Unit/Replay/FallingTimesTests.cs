using System.Globalization;
using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Files from the newest row to the oldest over the hour that a clock repeats, and the limits of dates.</summary>
public sealed class FallingTimesTests : ReplayFileTest
{
    private static IEnumerable<(DateTime Utc, string Local)> Times(string zone, DateTime first, int minutes, int count)
    {
        var info = TimeZoneInfo.FindSystemTimeZoneById(zone);
        return Enumerable.Range(0, count).Select(row => first.AddMinutes(row * minutes))
            .Select(utc => (utc, TimeZoneInfo.ConvertTimeFromUtc(utc, info).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("Europe/Berlin", "2023-10-28T20:00Z", 10, 60)]
    [InlineData("Europe/Berlin", "2023-10-28T20:00Z", 15, 60)]
    [InlineData("Europe/Berlin", "2023-10-28T20:00Z", 30, 60)]
    [InlineData("Europe/Berlin", "2023-10-28T20:00Z", 60, 12)]
    [InlineData("Europe/Berlin", "2023-10-28T23:30Z", 10, 14)]
    [InlineData("Europe/Berlin", "2023-10-29T00:00Z", 20, 6)]
    [InlineData("America/New_York", "2023-11-05T02:00Z", 5, 120)]
    [InlineData("Australia/Lord_Howe", "2024-04-06T12:00Z", 10, 40)]
    public void Both_passes_of_a_repeated_hour_keep_their_times(string zone, string first, int minutes, int count)
    {
        var times = Times(zone, DateTime.Parse(first, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal), minutes, count).Select((time, row) => (time.Utc, time.Local, Row: row)).ToList();
        var expected = times.Select(time => $"{time.Utc:yyyy-MM-ddTHH:mm:ss} {time.Row}").ToArray();
        foreach (var rows in new[] { times, [.. Enumerable.Reverse(times)] })
        {
            var plan = CheckText($"when,v\n{string.Concat(rows.Select(time => $"{time.Local},{time.Row}\n"))}", new() { TimeZone = zone });
            Assert.Equal(expected, Rows(plan));
            Assert.Equal((0, 0, TimeSpan.FromMinutes(minutes)), (plan.Times.Backward, plan.Times.Duplicates, plan.Times.LongestGap == TimeSpan.Zero ? TimeSpan.FromMinutes(minutes) : plan.Times.LongestGap));
        }
    }

    [Theory]
    [InlineData(30)]
    [InlineData(60)]
    [InlineData(10)]
    public void Long_tables_keep_them_too(int minutes)
    {
        var times = Times("Europe/Berlin", new DateTime(2023, 10, 28, 20, 0, 0, DateTimeKind.Utc), minutes, 40).ToList();
        foreach (var order in new[] { times, [.. Enumerable.Reverse(times)] })
        {
            var plan = CheckText($"when,sensor,v\n{string.Concat(order.Select(time => $"{time.Local},a,{time.Utc.Ticks / TimeSpan.TicksPerMinute}\n{time.Local},b,{time.Utc.Ticks / TimeSpan.TicksPerMinute}\n"))}", new() { TimeZone = "Europe/Berlin" });
            Assert.Equal(80, plan.Rows);
            Assert.All(plan.Read(), row => Assert.Equal(row.Time!.Value.Ticks / TimeSpan.TicksPerMinute, row.Values.Single()));
        }
    }

    [Fact]
    public void An_unsorted_file_reaches_from_its_earliest_time_to_its_latest()
    {
        var times = CheckText("when,v\n2024-05-13 10:00,1\n2024-05-13 12:00,2\n2024-05-13 08:00,3\n2024-05-13 09:00,4\n2024-05-13 11:00,5\n").Times;
        Assert.Equal((new DateTime(2024, 5, 13, 8, 0, 0), new DateTime(2024, 5, 13, 12, 0, 0)), (times.First, times.Last));
    }

    [Fact]
    public void Excels_days_are_asked_for_and_the_setting_alone_tells()
    {
        const string Text = "Date,temp\n45292.25,20\n45292.5,21\n45293,22\n";
        Assert.Equal("column 1 (Date): \"45292.25\" can be a day that Excel counts (2024-01-01): give TimeFormat=excel, or TimeColumn=none and Interval, the time from row to row, where it is none", Refused(Text));
        Assert.Equal(["2024-01-01T06:00:00 20", "2024-01-01T12:00:00 21", "2024-01-02T00:00:00 22"], Rows(CheckText(Text, new() { TimeFormat = "excel" })));
    }

    [Theory]
    [InlineData("Logger;L 12\nTime zone;UTC+02:00\n", "line 2, \"Time zone;UTC+02:00\"")]
    [InlineData("# Timezone: Europe/Berlin\n", "line 1, \"# Timezone: Europe/Berlin\"")]
    [InlineData("Logger;L 12\n", null)]
    public void A_zone_before_the_header_is_told(string before, string? told)
    {
        var text = $"{before}when;v\n2024-05-13 08:00;1\n2024-05-13 09:00;2\n";
        var preview = ReplayPreview.Text(CheckText(text), name => name);
        Assert.Equal(told is not null, preview.Contains($"ASSUMED: {told ?? "line"}", StringComparison.Ordinal));
        Assert.DoesNotContain("ASSUMED: line", ReplayPreview.Text(CheckText(text, new() { TimeZone = "Europe/Berlin" }), name => name), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gps_seconds", "1394000000", "s")]
    [InlineData("mac time", "3793000000", "s")]
    public void Seconds_of_another_start_are_asked_for(string header, string first, string unit)
    {
        var text = $"{header},v\n{first},1\n{long.Parse(first, CultureInfo.InvariantCulture) + 60},2\n";
        Assert.Contains($"give TimeFormat={unit} if it counts from 1970", Refused(text), StringComparison.Ordinal);
        Assert.Equal(2, CheckText(text, new() { TimeFormat = unit }).Rows);
    }

    private const string ExportHeader = "timestamp,sensor_id,sensor_type,value,unit,alert_level,quality,factory_section,machine_id,zone,reading_count,sequence_id,processed_by_consumer,processing_timestamp,log_id,kafka_partition,kafka_offset,backfill\n";

    [Fact]
    public void The_first_and_the_last_time_of_the_contract_are_replayed()
    {
        var plan = CheckText(ExportHeader + string.Concat(((string[])["0001-01-01T00:00:00.000000Z", "0001-06-01T00:00:00.000000Z", "2024-05-13T08:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
            .Select((time, row) => $"{time},t-1,temperature,2{row},°C,normal,1,,,,1,{row},c-1,2024-05-13T08:00:00.000000Z,{row},0,{row},true\n")), new() { Backfill = true });
        Assert.Equal(["0001-01-01T00:00:00 20", "0001-06-01T00:00:00 21", "2024-05-13T08:00:00 22", "9999-12-31T23:59:59.999999 23"], Rows(plan));
    }

    [Theory]
    [InlineData("0001-01-01T00:30:00+01:00")]
    [InlineData("9999-12-31T23:30:00-01:00")]
    public void Times_beyond_them_are_refused(string time) =>
        Assert.Contains("is no date", Refused($"when,v\n{time},1\n2024-05-13T08:00:00Z,2\n2024-05-13T09:00:00Z,3\n"), StringComparison.Ordinal);
}
