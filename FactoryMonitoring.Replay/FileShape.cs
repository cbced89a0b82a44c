namespace FactoryMonitoring.Replay;

/// <summary>How a file is written, as detected from its beginning.</summary>
/// <param name="FirstRecord">Number of records before the first row of values: header, units, and anything else.</param>
/// <param name="HeaderLine">The line of the header; null if there is none.</param>
/// <param name="HeaderText">The header's fields as they are written; empty if there is no header.</param>
/// <param name="Names">A name for each column.</param>
/// <param name="Units">The units from the row of units or the header.</param>
/// <param name="Columns">The contents of the columns in the rows that were read.</param>
/// <param name="IsWhole">Whether these were all rows of the file.</param>
internal sealed record FileShape(
    char Separator,
    int FieldCount,
    int FirstRecord,
    long FirstLine,
    long? HeaderLine,
    long? UnitLine,
    string[] HeaderText,
    string[] Names,
    string?[] Units,
    ColumnSample[] Columns,
    DecimalSign? Decimal,
    bool IsWhole)
{
    /// <summary>The text that ends the preamble of a LabVIEW measurement file.</summary>
    private const string EndOfHeader = "***End_of_Header***";

    /// <summary>The names of the columns without their units.</summary>
    public required string[] Measured { get; init; }

    /// <summary>The start from which a column without dates counts, as a preamble names it; null if none does.</summary>
    public TimeText? Start { get; init; }

    /// <summary>The mark in numbers that can be read both ways, point or comma, whose meaning is assumed; null if there are none.</summary>
    public string? AssumedMark { get; init; }

    /// <summary>The line before the header that seems to name the zone of the times; null if there is none.</summary>
    public (long Line, string Text)? ZoneRemark { get; init; }

    private const int MaxChars = 512 * 1024;
    private const int MaxRecords = 3000;

    /// <summary>Returns the name of a column for messages.</summary>
    public string Column(int index) => HeaderLine is null ? Format.Text($"column {index + 1}") : $"{Format.Text($"column {index + 1}")} ({Names[index]})";

    /// <exception cref="ReplayFileException">The file has no rows of values.</exception>
    public static FileShape Detect(string path, char? separator, DecimalSign? sign, MissingMarkers missing, SettingName setting)
    {
        var (text, isWhole) = Beginning(path);
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new ReplayFileException("is empty; must be a CSV file with a row of values");
        }

        if (text.TrimStart() is ['{' or '[', ..] json && IsJson(json.AsSpan(0, Math.Max(0, json.IndexOfAny(['\r', '\n'])) is > 0 and var end ? end : json.Length)))
        {
            throw new ReplayFileException("is JSON and no CSV: send its objects as messages, one each, or write them as CSV; docs/messages.md says how messages are read");
        }

        separator ??= text.StartsWith("sep=", StringComparison.OrdinalIgnoreCase) && text.Length > 5 && text[5] is '\r' or '\n' ? text[4] : null;
        var samples = (separator is { } given ? [given] : Csv.Separators).Select(candidate => Sample.Read(text, candidate, isWhole, missing)).OfType<Sample>()
            .OrderByDescending(sample => Math.Round(sample.Score, 9)).ToList();
        // Blanks also cut at tabs: where all rows have as many of these, a blank is part of a field, as between a date and a clock.
        if (samples.Exists(sample => sample is { Separator: '\t', IsCut: true, IsEven: true, Score: > 0 }))
        {
            samples.RemoveAll(sample => sample.Separator == ' ');
        }

        // In a small file, a malformed row can give a higher score to a separator that then fits no row.
        ReplayFileException? refused = null;
        var mayBeOther = true;
        foreach (var sample in samples)
        {
            try
            {
                var shape = sample.Shape(sign, isWhole, missing, setting);
                if (isWhole)
                {
                    Csv.CheckQuotes(text, sample.Separator);
                }

                return shape;
            }
            catch (ReplayFileException exception) when (separator is null)
            {
                // Errors for blanks, and for a separator that no row contains and with which nothing is read, are reported last.
                if (refused is null || (mayBeOther && sample is { IsCut: true, Separator: not ' ' }))
                {
                    (refused, mayBeOther) = (exception, sample.Separator == ' ' || sample is { IsCut: false, Score: 0 });
                }
            }
        }

        // An unclosed quote is reported instead of its effect on the rows.
        foreach (var sample in isWhole ? samples : [])
        {
            Csv.CheckQuotes(text, sample.Separator);
        }

        throw refused ?? new ReplayFileException("holds comments alone: a row of values is needed");
    }

    // A row of a CSV file may begin with a bracket without being JSON.
    private static bool IsJson(ReadOnlySpan<char> line)
    {
        var json = new System.Text.Json.Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes(line.ToString()), isFinalBlock: false, default);
        try
        {
            while (json.Read())
            {
                // Reads as far as the line is valid JSON.
            }

            return json.BytesConsumed > 2 || line.Trim() is "{" or "[";
        }
        catch (System.Text.Json.JsonException)
        {
            return false;
        }
    }

    private static (string Text, bool IsWhole) Beginning(string path)
    {
        using var text = ReplayText.Open(path);
        var (buffer, length) = (new char[MaxChars], 0);
        try
        {
            while (length < MaxChars && text.Reader.Read(buffer, length, MaxChars - length) is > 0 and var read)
            {
                length += read;
            }

            return (new string(buffer, 0, length), length < MaxChars);
        }
        catch (CutGzipException) when (length > 0)
        {
            // Reported with its line when the whole file is read.
            return (new string(buffer, 0, length), false);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            throw new ReplayFileException($"cannot be unpacked: {exception.Message}; fetch it again", exception);
        }
    }

    private sealed record Record(string[] Fields, long Line)
    {
        public bool IsComment => Csv.IsComment(Fields[0]);

        public bool IsBlank => Fields.All(string.IsNullOrEmpty);
    }

    /// <summary>The beginning of a file, split by one separator.</summary>
    private sealed class Sample(char separator, List<Record> records, int count, double score, bool isEven, bool isRagged)
    {
        public double Score => score;

        public char Separator => separator;

        /// <summary>Whether all rows have as many fields.</summary>
        public bool IsEven => isEven;

        /// <summary>Whether the rows contain the separator.</summary>
        public bool IsCut => count > 1;

        public static Sample? Read(string text, char separator, bool isWhole, MissingMarkers missing)
        {
            var records = new List<Record>();
            using var reader = Csv.Read(new StringReader(text), separator);
            try
            {
                while (records.Count < MaxRecords && reader.Read())
                {
                    records.Add(new Record([.. Enumerable.Range(0, reader.FieldCount).Select(index => reader.GetString(index).Trim())], reader.LineNumber));
                }
            }
            catch (CsvHelper.CsvFormatException)
            {
                // Reported with its line when the whole file is read.
            }

            if (!isWhole && records.Count is > 1 and < MaxRecords)
            {
                records.RemoveAt(records.Count - 1);
            }

            // Only the second half is counted: a header and the lines before it are among the first.
            var rows = records.Where(record => !record.IsComment && !record.IsBlank).ToList();
            if (rows.Count == 0)
            {
                return null;
            }

            var count = rows.Skip(rows.Count / 2).GroupBy(row => row.Fields.Length).OrderByDescending(group => group.Count()).ThenByDescending(group => group.Key).First().Key;
            int filled = 0, read = 0;
            foreach (var row in rows.Skip(rows.Count / 2).Where(row => row.Fields.Length == count).Take(200))
            {
                foreach (var field in row.Fields)
                {
                    if (!missing.IsText(field))
                    {
                        filled++;
                        read += ColumnSample.IsRead(field) ? 1 : 0;
                    }
                }
            }

            var later = rows.Skip(rows.Count / 2).ToList();
            var share = (double)later.Count(row => row.Fields.Length == count) / later.Count;
            var width = separator == ' ' ? count : WidthOf(rows, count);
            return new Sample(separator, records, width, share * (filled > 0 ? (double)read / filled : 0) * (count > 1 ? 1 : 0.9), share == 1, isRagged: width > count);
        }

        // Most rows may lack their last fields, as those of Lascar do, where only the first has the serial number: then the header and the first row tell how
        // many there are. All rows from the first on must have times in the same columns, which the header must not name elsewhere.
        private static int WidthOf(List<Record> rows, int count)
        {
            var most = rows.Max(row => row.Fields.Length);
            var header = most > count ? rows.FindIndex(row => row.Fields.Length == most) : -1;
            var first = header < 0 ? -1 : rows.FindIndex(header, row => row.Fields.Any(ColumnSample.IsTimeOfSomeKind));
            if (first <= header || rows[first].Fields.Length < most)
            {
                return count;
            }

            int[] times = [.. Enumerable.Range(0, most).Where(index => ColumnSample.IsTimeOfSomeKind(rows[first].Fields[index]))];
            return (times.Any(index => TimePlan.IsNamedTime(rows[header].Fields[index])) || !rows[header].Fields.Any(TimePlan.IsNamedTime))
                && rows.Skip(first).All(row => row.Fields.Length > times[^1] && times.All(index => ColumnSample.IsTimeOfSomeKind(row.Fields[index]))) ? most : count;
        }

        // Rows that are cut into as many fields as most, or into fewer where these may be missing.
        private bool IsLike(Record record) => !record.IsComment && !record.IsBlank && (isRagged ? record.Fields.Length <= count : record.Fields.Length == count);

        public FileShape Shape(DecimalSign? sign, bool isWhole, MissingMarkers missing, SettingName setting)
        {
            var like = records.Where(IsLike).ToList();
            var kinds = ColumnSample.Of(like.Skip(like.Count / 2).Select(row => row.Fields), count, missing);
            // Separators at the ends of only some rows produce empty columns.
            var least = Array.FindLastIndex(kinds, kind => !kind.IsEmpty) + 1;
            // Of several segments, the first is used: the preamble of the next one is not a row of values and is refused with its line.
            var namesAt = records.FindIndex(record => record.Fields[0] == "X_Value");
            var preamble = records.FindLastIndex(namesAt < 0 ? records.Count - 1 : namesAt, record => record.Fields[0].StartsWith(EndOfHeader, StringComparison.Ordinal)) + 1;
            var first = records.FindIndex(preamble, record =>
                !record.IsComment && !record.IsBlank && record.Fields.Length >= least && record.Fields.Length <= count && IsRow(record.Fields, kinds, missing));
            if (first < 0)
            {
                var line = like[^1];
                throw new ReplayFileException(Format.Text(
                    $"line {line.Line}: holds no number beside a time, cut by the separator {Csv.NameOf(separator)}: {Format.Quoted(string.Join(separator, line.Fields))}; a column of numbers is needed, or {setting(nameof(ReplayOptions.Separator))} is another one"));
            }

            first = FirstOf(preamble, first, kinds);
            CheckBefore(preamble, first, kinds);
            var (above, header, units) = Head(preamble, first);
            CheckHeader(preamble, first, least, kinds, header, setting);
            var width = Math.Max(count, header?.Fields.Length is { } fields && fields <= count + 1 ? Math.Min(fields, count) : count);
            var names = NamesOf(header?.Fields, above?.Fields, width, kinds);
            var split = Replay.Units.SplitAll(names);
            var columns = ColumnSample.Of(records.Skip(first).Where(IsLike).Select(record => record.Fields), width, missing);
            string? Of(string name, int column) =>
                records.Take(preamble).LastOrDefault(record => record.Fields[0] == name && record.Fields.Length > column)?.Fields[column] is { Length: > 0 } text ? text : null;

            // LabVIEW's row of units is part of its preamble, and the first column counts seconds.
            string? OfPreamble(int column) => preamble == 0 ? null
                : column > 0 ? Of("Y_Unit_Label", column) is { } written ? Contracts.UnitWords.SymbolOf(written) : null
                : (Of("X_Dimension", 1) ?? "Time").Contains("Time", StringComparison.OrdinalIgnoreCase) ? "s" : null;

            // A header of two rows may have its units in the upper one.
            string? OfAbove(int column) => above is not null && above.Fields.Length == header?.Fields.Length && column < above.Fields.Length && Replay.Units.Split(above.Fields[column]).Unit is { } written
                ? Contracts.UnitWords.SymbolOf(written) : null;
            return new FileShape(
                separator,
                width,
                first,
                records[first].Line,
                header?.Line,
                units?.Line,
                header?.Fields ?? [],
                names,
                [.. split.Select((name, index) => name.Unit is { } unit ? Contracts.UnitWords.SymbolOf(unit) : index < units?.Fields.Length ? Replay.Units.OfRow(units.Fields[index]) : OfPreamble(index) ?? OfAbove(index))],
                columns,
                sign ?? ColumnSample.DecimalOf(columns),
                isWhole && records.Count < MaxRecords)
            {
                Measured = [.. split.Select(name => name.Name)],
                ZoneRemark = records.Take(first).Where(record => record.Line != header?.Line && record.Line != units?.Line).Select(record => (record.Line, Text: string.Join(separator, record.Fields).Trim(separator, ' ')))
                    .Where(record => TimePlan.IsZoneRemark(record.Text)).Cast<(long Line, string Text)?>().FirstOrDefault(),
                Start = Of("Date", 1) is { } date && TimeText.TryRead($"{date} {Of("Time", 1)}".Trim(), out var start) ? start : null,
            };
        }

        private static bool IsRow(string[] fields, ColumnSample[] kinds, MissingMarkers missing)
        {
            if (IsRowOfUnits(fields, kinds))
            {
                return false;
            }

            int read = 0, wrong = 0, numbers = 0;
            for (var i = 0; i < Math.Min(fields.Length, kinds.Length); i++)
            {
                if (missing.IsText(fields[i]))
                {
                    continue;
                }

                if (kinds[i].IsTime || kinds[i].IsClock)
                {
                    if (!ColumnSample.IsTimeOfSomeKind(fields[i]))
                    {
                        return false;
                    }

                    read++;
                }
                else if (kinds[i].IsNumber)
                {
                    numbers++;
                    var isNumber = Cell.FormsOf(fields[i]) != NumberForms.None;
                    wrong += isNumber ? 0 : 1;
                    read += isNumber ? 1 : 0;
                }
            }

            return read > 0 && wrong * 2 <= numbers && kinds.Any(kind => kind.IsNumber);
        }

        // "s;0.1 °C" are units and no value: the row has no time, or a unit that is no number where the others have numbers.
        private static bool IsRowOfUnits(string[] fields, ColumnSample[] kinds) => Replay.Units.IsRow(fields) && !fields.Any(field => Numbers.FormsOf(field) != NumberForms.None)
            && Enumerable.Range(0, Math.Min(fields.Length, kinds.Length)).Any(index => IsTimed(kinds[index]) || (kinds[index].IsNumber && fields[index].Length > 0 && Cell.FormsOf(fields[index]) == NumberForms.None));

        // Rows directly before the first complete row that have a time, or only numbers, are rows of values too: they are shorter, or hold a text in place of a number.
        private int FirstOf(int preamble, int first, ColumnSample[] kinds)
        {
            var hasTimes = kinds.Any(IsTimed);
            for (var i = first - 1; i >= preamble; i--)
            {
                var (fields, isOther) = (records[i].Fields, records[i].IsComment || records[i].IsBlank);
                if (!isOther && (fields.Length > count || !(hasTimes ? IsTimedRow(fields, kinds) && (IsTimed(kinds[0]) || HasNumber(fields)) : separator != ' ' && fields.Length >= count - 1 && IsOfNumbers(fields))))
                {
                    break;
                }

                first = isOther ? first : i;
            }

            return first;
        }

        // A row with a time and a number belongs to no preamble: another table follows it.
        private void CheckBefore(int preamble, int first, ColumnSample[] kinds)
        {
            if (records.Take(preamble..first).FirstOrDefault(record => !record.IsComment && !record.IsBlank && IsTimedRow(record.Fields, kinds) && HasNumber(record.Fields)) is { } lost
                && records.Find(record => record.Line > lost.Line && !record.IsComment && !record.IsBlank && record.Fields.Length != lost.Fields.Length) is { } next)
            {
                throw new ReplayFileException(Format.Text(
                    $"line {next.Line}: has {next.Fields.Length} fields, and the rows from line {lost.Line} on have {lost.Fields.Length}: split the file before this line, or give all rows as many fields"));
            }
        }

        // A header with fewer fields than the rows has a column without a name, or a number is cut at its decimal comma.
        private void CheckHeader(int preamble, int first, int least, ColumnSample[] kinds, Record? header, SettingName setting)
        {
            header ??= records.Take(preamble..first).LastOrDefault(record => !record.IsComment && !record.IsBlank) is { } last
                && Enumerable.Range(0, Math.Min(last.Fields.Length, count)).Any(index => IsTimed(kinds[index]) && TimePlan.IsNamedTime(last.Fields[index])) && !last.Fields.Any(ColumnSample.IsRead) ? last : null;
            if (separator == ' ' || header is not { Fields.Length: > 1 and var named } || named >= least || (named == count - 1 && IsOfR(header.Fields, kinds)))
            {
                return;
            }

            var wider = records.Skip(first).First(record => !record.IsComment && record.Fields.Length > named && record.Fields[named].Length > 0);
            throw new ReplayFileException(Format.Text(
                $"line {wider.Line}, column {named + 1}: {Format.Quoted(wider.Fields[named])} is one field more than the {named} of the header in line {header.Line}: quote what holds a {Csv.NameOf(separator)}, name each column, or give {setting(nameof(ReplayOptions.Separator))}"));
        }

        // Digits of a time since 1970 are one, too.
        private static bool IsTimed(ColumnSample kind) => kind.IsTime || kind.IsClock || kind is { IsNumber: true, Least: >= 1e8 };

        private static bool IsTimedRow(string[] fields, ColumnSample[] kinds)
        {
            var times = Enumerable.Range(0, Math.Min(fields.Length, kinds.Length)).Where(index => IsTimed(kinds[index])).ToList();
            return times.Count > 0 && fields.Count(field => field.Length > 0) > 1
                && times.TrueForAll(index => kinds[index].IsNumber ? Numbers.TryRead(fields[index], DecimalSign.Point, out var number) && number >= 1e8 : ColumnSample.IsTimeOfSomeKind(fields[index]));
        }

        private static bool HasNumber(string[] fields) => fields.Any(field => Cell.FormsOf(field) != NumberForms.None && !ColumnSample.IsTimeOfSomeKind(field));

        private static bool IsOfNumbers(string[] fields) => fields.Length > 1 && fields.All(field => Cell.FormsOf(field) != NumberForms.None);

        // Before the first row of values there may be a row of units, and the header before it.
        private (Record? Above, Record? Header, Record? Units) Head(int preamble, int first)
        {
            var before = records.Take(preamble..first).Where(record => !record.IsBlank).Select(Uncommented)
                .Where(record => record.WasComment ? record.Fields.Length == count : Math.Abs(record.Fields.Length - count) <= 1).ToList();
            // Plain rows take precedence over comments that happen to have the same number of fields.
            if (before.Any(record => !record.WasComment))
            {
                before.RemoveAll(record => record.WasComment);
            }

            var rows = before.Where(record => count == 1 ? record.Fields.Length == 1 && !record.WasComment : record.Fields.Length > 1 || count == 2 && record.Fields.Length == 2)
                .Select(record => new Record(record.Fields, record.Line)).ToList();
            while (rows.Count > 1 && (Replay.Units.IsRowOfAggregates(rows[^1].Fields) || Replay.Units.IsRowOfFormats(rows[^1].Fields)))
            {
                rows.RemoveAt(rows.Count - 1);
            }

            var units = rows.Count > 1 && Replay.Units.IsRow(rows[^1].Fields) && !NamesTime(rows[^1].Fields, rows[^2].Fields) ? rows[^1] : null;
            var header = rows.Count - (units is null ? 1 : 2);
            return (rows.ElementAtOrDefault(header - 1), rows.ElementAtOrDefault(header), units);

            // "Time,V" below "Serial,123" is the header.
            static bool NamesTime(string[] fields, string[] above) => Enumerable.Range(0, fields.Length).Any(index =>
                fields[index].ToLowerInvariant() is "time" or "date" or "datetime" or "timestamp" && !(index < above.Length && TimePlan.IsNamedTime(above[index])));
        }

        private (string[] Fields, long Line, bool WasComment) Uncommented(Record record)
        {
            if (!record.IsComment)
            {
                return (record.Fields, record.Line, false);
            }

            var bare = record.Fields[0].TrimStart('#', '%', '/', ' ');
            return (bare.Length == 0 && record.Fields.Length > count ? record.Fields[1..] : [bare, .. record.Fields[1..]], record.Line, true);
        }

        // R omits the name of the first column, which numbers the rows: the name of a time then stands one column before the times.
        private bool IsOfR(string[] header, ColumnSample[] kinds)
        {
            bool NamesTimes(int behind) => Enumerable.Range(0, header.Length).Any(index => (kinds[index + behind].IsTime || kinds[index + behind].IsClock) && TimePlan.IsNamedTime(header[index]));
            return header[^1].Length > 0 && (separator == ' ' || (kinds.Any(kind => kind.IsTime || kind.IsClock) ? NamesTimes(1) && (kinds[0].IsCount || !NamesTimes(0)) : kinds[0] is { IsCount: true, Numbered: > 1 }));
        }

        private string[] NamesOf(string[]? header, string[]? above, int width, ColumnSample[] kinds)
        {
            var names = header is null ? [] : header.Length == width - 1 && IsOfR(header, kinds) ? ["", .. header] : header;
            names = above is null || above.Length != names.Length ? names : [.. names.Select((name, index) => names.Count(other => other == name) > 1 && GroupOf(index) is { } group ? $"{group} {name}" : name)];
            return [.. Enumerable.Range(0, width).Select(index => index < names.Length && names[index].Trim('#', ' ') is { Length: > 0 } name ? name.ReplaceLineEndings(" ") : Format.Text($"column {index + 1}"))];

            // A name in a row above the header applies to all columns up to the next name.
            string? GroupOf(int index) => above[..(index + 1)].LastOrDefault(name => name.Length > 0);
        }
    }
}
