using System.Text;

namespace FactoryMonitoring.Replay;

/// <summary>Describes to people how a file was understood.</summary>
public static class ReplayPreview
{
    private const int ColumnsShown = 60;
    private const int LeftOutShown = 12;

    /// <summary>Returns several lines; the last one ends with a line break.</summary>
    /// <param name="plan">The file.</param>
    /// <param name="setting">Returns the name of a setting.</param>
    public static string Text(ReplayPlan plan, SettingName setting)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(setting);
        var text = new StringBuilder();
        Line("file", Format.Text($"{plan.File}, {Format.Bytes(plan.Length)}{(plan.IsGzip ? " of gzip" : "")}, {plan.Encoding}, separator {plan.Separator}, decimal {plan.DecimalSign}"));
        if (plan.AssumedMark is { } mark)
        {
            Line("", $"ASSUMED: each number with a {mark} has three digits after it, and the {mark} is taken for {(mark == plan.DecimalSign ? "the decimal sign" : "a separator of thousands")}; give {setting(nameof(ReplayOptions.DecimalSign))}={(plan.DecimalSign == "point" ? "comma" : "point")} if it is not");
        }

        Line("rows", Rows(plan));
        Line("time", Times(plan, setting));
        foreach (var note in TimeNotes(plan, setting))
        {
            Line("", note);
        }

        var width = Math.Min(48, plan.Columns.Take(ColumnsShown).Max(column => column.SensorId.Length));
        var head = plan.Columns.Count == 1 ? "sensor" : "sensors";
        foreach (var column in plan.Columns.Take(ColumnsShown))
        {
            Line(head, Format.Text(
                $"{column.SensorId.PadRight(width)}  column {column.Index + 1} ({column.Name}), {column.SensorType}{(column.Unit.Length > 0 ? $" in {column.Unit}" : ", no unit")}: {Format.Number(column.Least)} to {Format.Number(column.Most)}{(column.Missing > 0 ? $", {Format.Count(column.Missing)} missing" : "")}"));
            head = "";
            if (column.IsAssumed)
            {
                Line("", $"ASSUMED: nothing in the file names its type and unit, and it is taken for a temperature in °C; give {setting(nameof(ReplayOptions.SensorType))} and {setting(nameof(ReplayOptions.Units))} if it is another");
            }
            else if (column.IsUnitAssumed)
            {
                Line("", $"ASSUMED: nothing in the file names its unit, and it is taken for {column.Unit}; give {setting(nameof(ReplayOptions.Units))} if it is in {(column.Unit == Contracts.SensorCatalog.Temperature.Unit ? "K" : "g")} or another");
            }
        }

        if (plan.Columns.Count > ColumnsShown)
        {
            Line("", $"… {Format.Count(plan.Columns.Count)} in all");
        }

        if (plan.LeftOut.Count > 0)
        {
            Line("left out", string.Join("; ", plan.LeftOut.GroupBy(column => column.Why).Select(group =>
                $"{string.Join(", ", group.Take(LeftOutShown).Select(column => Format.Text($"column {column.Index + 1} ({column.Name})")))}{(group.Count() > LeftOutShown ? ", …" : "")} {Verb(group.Key, group.Count())}")));
        }

        Line("missing", Missing(plan));
        if (plan.Columns.Where(column => column.Suspected.Count > 0).ToList() is { Count: > 0 } suspected)
        {
            // The setting replaces the numbers that are found.
            var numbers = plan.Columns.SelectMany(column => column.Markers.Concat(column.Suspected)).Distinct().Order().Select(Written);
            Line("", $"SUSPECTED: {string.Join(", ", suspected.Take(LeftOutShown).Select(column => $"{string.Join(" and ", column.Suspected.Select(Written))} of {column.SensorId}"))}{(suspected.Count > LeftOutShown ? ", …" : "")}: far from all other values, and kept as values; if missing values are written so, give {setting(nameof(ReplayOptions.Missing))}={string.Join(',', numbers)}, which holds for all columns");
        }

        head = "first rows";
        foreach (var (line, row) in plan.FirstRows)
        {
            Line(head, Format.Text($"line {line}: {(row.Length > 110 ? row[..110] + "…" : row)}"));
            head = "";
        }

        Line("takes", Takes(plan, setting));
        return text.ToString();

        void Line(string head, string line) => text.AppendLine(Format.Text($"  {head,-10} {line}"));
    }

    /// <summary>Returns one line: file, rows, sensors and duration.</summary>
    public static string Summary(ReplayPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var sensors = plan.Columns is [var one] ? $"{one.SensorType} sensor {one.SensorId}{(one.IsAssumed ? " (assumed, for nothing in the file names type and unit)" : "")}" : $"{Format.Plural(plan.Columns.Count, "sensor")}, {plan.Columns[0].SensorId} the first{(plan.NamedBy is { } named ? $", named by {named}" : "")}";
        return $"{plan.File}: {Format.Plural(plan.Rows, "row")} as {sensors}, {(plan.Options.Backfill ? "backfilled at their own times" : Format.Duration(plan.Duration))}";
    }

    private static string Written(double number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    // "holds texts" and "hold texts"
    private static string Verb(string why, int count) => count == 1 ? why : why.Replace("holds", "hold", StringComparison.Ordinal).Replace("numbers", "number", StringComparison.Ordinal);

    private static string Rows(ReplayPlan plan)
    {
        string[] words =
        [
            Format.Count(plan.Rows),
            .. plan.NamedBy is { } named ? (string[])[plan.ValuesPerName == 1 ? $"a value each, whose sensor {named} names" : Format.Text($"{plan.ValuesPerName} values each, whose device {named} names")] : [],
            plan.HeaderLine is { } header ? Format.Text($"header in line {header}") : "no header",
            .. plan.UnitLine is { } units ? (string[])[Format.Text($"units in line {units}")] : [],
            .. plan.Comments > 0 ? (string[])[Format.Plural(plan.Comments, "comment")] : [],
            .. plan.Blanks > 0 ? (string[])[Format.Plural(plan.Blanks, "empty row")] : [],
            .. plan.RepeatedHeaders > 0 ? (string[])[Format.Plural(plan.RepeatedHeaders, "repeated header")] : [],
            .. plan.ShortRows > 0 ? (string[])[$"{Format.Plural(plan.ShortRows, "row")} shorter than the others"] : [],
        ];
        return string.Join(", ", words);
    }

    private static string Times(ReplayPlan plan, SettingName setting)
    {
        var times = plan.Times;
        if (plan.Options.Interval is { } interval)
        {
            return $"every {Format.Duration(interval)} ({setting(nameof(ReplayOptions.Interval))}){(times.Where is null ? "" : $"; {times.Where} only beside the values")}";
        }

        var range = times.IsElapsed ? $"over {Format.Duration(times.Last - times.First)}" : $"{Format.Time(times.First)} to {Format.Time(times.Last)} UTC";
        string[] words =
        [
            $"{times.Where}: {range}",
            .. times.Order is { } order ? (string[])[order] : [],
            .. times.Zone is { } zone ? (string[])[times.IsZoneNamed ? $"times of {zone}" : $"times name no zone and are taken for {zone} ({setting(nameof(ReplayOptions.TimeZone))})"] : [],
        ];
        return string.Join(", ", words);
    }

    private static IEnumerable<string> TimeNotes(ReplayPlan plan, SettingName setting)
    {
        var times = plan.Times;
        if (times is { Zone: not null, ZoneRemark: var (remarkLine, remark) })
        {
            yield return Format.Text($"ASSUMED: line {remarkLine}, {Format.Quoted(remark)}, is no time or header and is not used; give {setting(nameof(ReplayOptions.TimeZone))} if it names the zone of the times");
        }

        string[] words =
        [
            .. times.IsNewestFirst ? (string[])["runs from the newest row to the oldest, and is replayed from its end"] : [],
            .. times.IsByName ? (string[])["one sensor's rows stand behind another's, and are replayed in the order of their times"] : [],
            .. times.Duplicates > 0 ? (string[])[$"{Format.Plural(times.Duplicates, "row")} with the time of the row before"] : [],
            .. times.Backward > 0 ? (string[])[$"{Format.Plural(times.Backward, "row")} with a time before that of the row before{(times.FirstBackwardLine is { } line ? Format.Text($", first line {line}") : "")}"] : [],
            .. times.WithoutTime > 0 ? (string[])[$"{Format.Plural(times.WithoutTime, "row")} without a time, passed over"] : [],
            .. times.Repeated > 0 ? (string[])[$"{Format.Plural(times.Repeated, "time")} in an hour that the clock repeats"] : [],
            .. times.LeftOut > 0 ? (string[])[$"{Format.Plural(times.LeftOut, "time")} in an hour that the clock leaves out"] : [],
            .. times.LongestGap > TimeSpan.Zero && plan.Rows > 2 ? (string[])[$"longest step {Format.Duration(times.LongestGap)}"] : [],
        ];
        if (words.Length > 0)
        {
            yield return string.Join("; ", words);
        }
    }

    private static string Missing(ReplayPlan plan)
    {
        var all = plan.Columns.Sum(column => column.Missing);
        var cells = plan.Cells;
        if (all == 0)
        {
            return "nothing";
        }

        var markers = plan.MissingTexts.Where(marker => marker.Value > 0).OrderByDescending(marker => marker.Value).Take(6).Select(marker => $"{marker.Key} {Format.Count(marker.Value)} times").ToList();
        if (all - plan.MissingTexts.Values.Sum() is > 0 and var empty && plan.MissingTexts.Count < 20)
        {
            markers.Add($"empty {Format.Count(empty)} times");
        }

        return Format.Text($"{Format.Count(all)} of {Format.Count(cells)} values ({100.0 * all / cells:0.#} %){(markers.Count > 0 ? $": {string.Join(", ", markers)}" : "")}; no reading is sent for them");
    }

    private static string Takes(ReplayPlan plan, SettingName setting)
    {
        if (plan.Options.Backfill)
        {
            return $"as long as the pipeline needs ({setting(nameof(ReplayOptions.Backfill))}): {Format.Plural(plan.Readings, "reading")}, stored at their own times, beside what is live";
        }

        var seconds = plan.Duration.TotalSeconds;
        var rate = seconds > 0 ? plan.Readings / seconds : double.PositiveInfinity;
        return Format.Text(
            $"{Format.Duration(plan.Duration)} at {plan.Options.SpeedUp:0.###} times the file's pace ({setting(nameof(ReplayOptions.SpeedUp))}): {Format.Plural(plan.Readings, "reading")}, {(rate < 10_000 ? Format.Text($"{rate:0.#} a second") : "as fast as the brokers take them")}");
    }
}
