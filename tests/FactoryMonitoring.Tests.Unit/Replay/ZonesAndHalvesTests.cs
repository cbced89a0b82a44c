using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>AM and PM and zones in columns of their own, zones in headers, and hours that a clock repeats.</summary>
public sealed class ZonesAndHalvesTests : ReplayFileTest
{
    [Theory]
    [InlineData("13.02.24 10:00|31.12.24 10:00", "2024-02-13|2024-12-31")]
    [InlineData("13/02/24 10:00|31/12/24 10:00", "2024-02-13|2024-12-31")]
    [InlineData("30/01/24 10:00|31/01/24 10:00|01/02/24 10:00", "2024-01-30|2024-01-31|2024-02-01")]
    [InlineData("13-02-24 10:00|14-02-24 10:00|01-03-24 10:00", "2024-02-13|2024-02-14|2024-03-01")]
    [InlineData("24/12/30 10:00|24/12/31 10:00|25/01/01 10:00", "2024-12-30|2024-12-31|2025-01-01")]
    public void A_year_of_two_digits_is_last_where_the_other_order_is_in_the_future_or_goes_back(string times, string days) => Assert.Equal(
        days.Split('|').Select(day => $"{day}T10:00:00 1"), Rows(CheckText($"Datum;Wert\n{string.Concat(times.Split('|').Select(time => $"{time};1\n"))}")));

    [Theory]
    [InlineData("Date,Time,AM/PM,v\n5/13/2024,11:30,AM,1\n5/13/2024,12:30,PM,2\n5/13/2024,1:30,PM,3\n", null)]
    [InlineData("Date,Time,AM/PM,v\n5/13/2024,11:30,AM,1\n5/13/2024,12:30,PM,2\n5/13/2024,1:30,PM,3\n", "Date,Time,AM/PM")]
    [InlineData("Date,Time,AM/PM,v\n5/13/2024,11:30,AM,1\n5/13/2024,12:30,PM,2\n5/13/2024,1:30,PM,3\n", "Date,Time")]
    [InlineData("when,half,v\n2024-05-13 11:30,a.m.,1\n2024-05-13 12:30,p.m.,2\n2024-05-13 1:30,p.m.,3\n", null)]
    [InlineData("year,month,day,hour,minute,half,v\n2024,5,13,11,30,AM,1\n2024,5,13,12,30,PM,2\n2024,5,13,1,30,PM,3\n", null)]
    public void The_half_of_the_day_may_stand_in_a_column_of_its_own(string text, string? columns)
    {
        var plan = CheckText(text, new() { TimeColumn = columns });
        Assert.Equal(["2024-05-13T11:30:00 1", "2024-05-13T12:30:00 2", "2024-05-13T13:30:00 3"], Rows(plan));
        Assert.Equal("v", plan.Columns.Single().Name);
    }

    [Theory]
    [InlineData("when,shift,v\n2024-05-13 09:00,AM,1\n2024-05-13 13:00,PM,2\n")]
    [InlineData("when,parameter,v\n2024-05-13 09:00,PM10,1\n2024-05-13 13:00,PM10,2\n")]
    public void Other_texts_of_these_letters_are_none(string text) => Assert.Equal(["2024-05-13T09:00:00 1", "2024-05-13T13:00:00 2"], Rows(CheckText(text, new() { NameColumn = "none" })));

    [Fact]
    public void A_clock_without_its_half_is_refused() =>
        Assert.StartsWith("line 3, column 1 (Date): \"5/13/2024 1:30\" is no time", Refused("Date,Time,AM/PM,v\n5/13/2024,11:30,AM,1\n5/13/2024,1:30,,2\n5/13/2024,2:30,PM,3\n").Replace("1:30 ", "1:30", StringComparison.Ordinal), StringComparison.Ordinal);

    [Theory]
    [InlineData("date,clock,TZ,v\n2024-05-13,08:00,EST,1\n2024-05-13,10:00,EDT,2\n", "2024-05-13T13:00:00 1|2024-05-13T14:00:00 2")]
    [InlineData("when,UTC Offset,v\n2024-05-13 08:00,+05:30,1\n2024-05-13 09:00,+05:30,2\n", "2024-05-13T02:30:00 1|2024-05-13T03:30:00 2")]
    [InlineData("when,utc_offset,v\n2024-05-13 08:00,-5,1\n2024-05-13 09:00,-4,2\n", "2024-05-13T13:00:00 1|2024-05-13T13:00:00 2")]
    [InlineData("when,timezone,v\n2024-05-13 08:00,America/Chicago,1\n2024-05-13 09:00,America/Chicago,2\n", "2024-05-13T13:00:00 1|2024-05-13T14:00:00 2")]
    [InlineData("when,timezone,v\n2024-05-13T08:00Z,America/Chicago,1\n2024-05-13T09:00Z,America/Chicago,2\n", "2024-05-13T08:00:00 1|2024-05-13T09:00:00 2")]
    [InlineData("when [Europe/Vienna],v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "2024-05-13T06:00:00 1|2024-05-13T07:00:00 2")]
    [InlineData("when(Europe/Vienna),v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "2024-05-13T06:00:00 1|2024-05-13T07:00:00 2")]
    public void Zones_in_a_column_or_a_header_are_those_of_the_times(string text, string rows)
    {
        var plan = CheckText(text);
        Assert.Equal(rows.Split('|'), Rows(plan));
        Assert.Equal("v", plan.Columns.Single().Name);
        Assert.DoesNotContain("name no zone", ReplayPreview.Text(plan, name => name), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("when (CET),v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "column 1 (when (CET)): CET does not tell whether the clock is moved in summer: give TimeZone=Etc/GMT-1 for +01:00 all year, or the IANA id of the zone, as Europe/Berlin")]
    [InlineData("Zeit MEZ;v\n13.05.2024 08:00;1\n13.05.2024 09:00;2\n", "column 1 (Zeit MEZ): MEZ does not tell whether the clock is moved in summer: give TimeZone=Etc/GMT-1 for +01:00 all year, or the IANA id of the zone, as Europe/Berlin")]
    [InlineData("when (EST),v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "column 1 (when (EST)): EST does not tell whether the clock is moved in summer: give TimeZone=Etc/GMT+5 for -05:00 all year, or the IANA id of the zone, as Europe/Berlin")]
    [InlineData("when (AEST),v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "column 1 (when (AEST)): AEST does not tell whether the clock is moved in summer: give TimeZone, the IANA id of the zone, as Europe/Berlin")]
    [InlineData("when (EST/EDT),v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "column 1 (when (EST/EDT)): EST/EDT does not tell when the clock is moved: give TimeZone, the IANA id of the zone, as Europe/Berlin")]
    [InlineData("Date-Time (PST/PDT),v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "column 1 (Date-Time (PST/PDT)): PST/PDT does not tell when the clock is moved: give TimeZone, the IANA id of the zone, as Europe/Berlin")]
    [InlineData("Zeit MEZ / MESZ;v\n13.05.2024 08:00;1\n13.05.2024 09:00;2\n", "column 1 (Zeit MEZ / MESZ): MEZ / MESZ does not tell when the clock is moved: give TimeZone, the IANA id of the zone, as Europe/Berlin")]
    [InlineData("when [CET or CEST],v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "column 1 (when [CET or CEST]): CET or CEST does not tell when the clock is moved: give TimeZone, the IANA id of the zone, as Europe/Berlin")]
    [InlineData("when (AEST/AEDT),v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "column 1 (when (AEST/AEDT)): AEST/AEDT does not tell when the clock is moved: give TimeZone, the IANA id of the zone, as Europe/Berlin")]
    [InlineData("when (Eastern Standard Time),v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n", "column 1 (when (Eastern Standard Time)): Eastern Standard Time does not tell when the clock is moved: give TimeZone, the IANA id of the zone, as Europe/Berlin")]
    [InlineData("when,tz,v\n2024-05-13 08:00,IST,1\n2024-05-13 09:00,IST,2\n", "column 2 (tz): \"IST\" is no offset from UTC, nor the IANA id of one zone in all rows: give TimeZone")]
    public void A_zone_that_is_not_certain_is_asked_for(string text, string message)
    {
        Assert.Equal(message, Refused(text));
        Assert.Equal("2024-05-13T06:00:00", Rows(CheckText(text, new() { TimeZone = "Europe/Vienna" }))[0].Split(' ')[0]);
    }

    [Theory]
    [InlineData("when (UTC/GMT)", "2024-05-13T08:00:00")]
    [InlineData("DATE/TIME", "2024-05-13T08:00:00")]
    [InlineData("when (START/STOP)", "2024-05-13T08:00:00")]
    [InlineData("when (Device Time)", "2024-05-13T08:00:00")]
    [InlineData("when (EST5EDT)", "2024-05-13T12:00:00")]
    [InlineData("when (US/Eastern)", "2024-05-13T12:00:00")]
    public void A_header_of_two_words_names_a_zone_only_if_both_are_zones(string header, string time) =>
        Assert.Equal(time, Rows(CheckText($"{header},v\n2024-05-13 08:00,1\n2024-05-13 09:00,2\n"))[0].Split(' ')[0]);

    [Theory]
    [InlineData("2023-10-29 01:00,1|2023-10-29 02:00,2|2023-10-29 02:00,3|2023-10-29 03:00,4", "2023-10-28T23:00:00 1|2023-10-29T00:00:00 2|2023-10-29T01:00:00 3|2023-10-29T02:00:00 4")]
    // Two rows at each time.
    [InlineData("2023-10-29 01:00,1|2023-10-29 01:00,1|2023-10-29 02:00,2|2023-10-29 02:00,2|2023-10-29 02:00,3|2023-10-29 02:00,3", "2023-10-28T23:00:00 1|2023-10-28T23:00:00 1|2023-10-29T00:00:00 2|2023-10-29T00:00:00 2|2023-10-29T01:00:00 3|2023-10-29T01:00:00 3")]
    // A row that is there twice, in a file of shorter steps.
    [InlineData("2023-10-29 01:59,1|2023-10-29 02:00,2|2023-10-29 02:00,3|2023-10-29 02:01,4", "2023-10-28T23:59:00 1|2023-10-29T00:00:00 2|2023-10-29T00:00:00 3|2023-10-29T00:01:00 4")]
    // From the newest row to the oldest.
    [InlineData("2023-10-29 03:00,4|2023-10-29 02:00,3|2023-10-29 02:00,2|2023-10-29 01:00,1", "2023-10-28T23:00:00 1|2023-10-29T00:00:00 2|2023-10-29T01:00:00 3|2023-10-29T02:00:00 4")]
    public void A_time_that_comes_again_in_hourly_data_is_in_the_second_pass(string rows, string times) =>
        Assert.Equal(times.Split('|'), Rows(CheckText($"t,v\n{rows.Replace('|', '\n')}\n", new() { TimeZone = "Europe/Berlin" })));
}
