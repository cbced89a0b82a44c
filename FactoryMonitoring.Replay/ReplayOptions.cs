using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace FactoryMonitoring.Replay;

/// <summary>Settings of the replay: sections <c>Factory:Replay</c> and <c>Sensors:Replay</c>. Values that are not set are detected from the file.</summary>
public sealed class ReplayOptions
{
    /// <summary>A CSV file, plain or gzip; nothing is replayed if it is not set.</summary>
    public string? File { get; set; }

    /// <summary>The divisor of the file's intervals.</summary>
    [Range(0.001, 10_000_000)]
    public double SpeedUp { get; set; } = 300;

    /// <summary>Starts again at the end of the file.</summary>
    public bool Loop { get; set; }

    /// <summary>Stores the rows at their own times, as fast as possible, beside live readings. <see cref="SpeedUp"/> then has no effect.</summary>
    public bool Backfill { get; set; }

    /// <summary>Backfills a file again that has been backfilled before.</summary>
    public bool Again { get; set; }

    /// <summary>The type of every column that <see cref="Types"/> does not name. If neither is set, the header determines the type.</summary>
    public string? SensorType { get; set; }

    /// <summary>Id of a single sensor, or the prefix of the ids of several; at most 255 characters.</summary>
    [StringLength(255, MinimumLength = 1)]
    public string? SensorId { get; set; }

    /// <summary>In the unit of the values; the type's threshold if it is not set.</summary>
    public double? WarningThreshold { get; set; }

    /// <summary>In the unit of the values; the type's threshold if it is not set.</summary>
    public double? CriticalThreshold { get; set; }

    /// <summary>Columns that are sensors, by name or by number from 1 on, separated by commas; all columns of numbers if it is not set.</summary>
    public string? Columns { get; set; }

    /// <summary>
    /// The column that names the sensor of each row in a long table, whose column of values is then the one of <see cref="Columns"/>;
    /// <c>none</c> if each column is a sensor. If it is not set, the header determines it.
    /// </summary>
    public string? NameColumn { get; set; }

    /// <summary>Types by column, or in a long table by the sensor's name: <c>T=temperature,3=humidity</c>.</summary>
    public string? Types { get; set; }

    /// <summary>Units by column, or in a long table by the sensor's name: <c>T=°C,3=%</c>.</summary>
    public string? Units { get; set; }

    /// <summary>The time column, or two columns separated by a comma, date and time of day; <c>none</c> if there is none.</summary>
    public string? TimeColumn { get; set; }

    /// <summary>Unit of a column that counts from a start: d, h, min, s, ms, us, ns; ticks or filetime for units of 100 ns since the year 1 or 1601; excel for Excel's serial dates. Other forms are detected.</summary>
    public string? TimeFormat { get; set; }

    /// <summary>IANA id of the zone of times that name none; UTC if it is not set.</summary>
    public string? TimeZone { get; set; }

    /// <summary>day-first, month-first or year-first, if a date can be read in more than one way.</summary>
    public string? DateOrder { get; set; }

    /// <summary>Time from one row to the next, for a file without times; it takes precedence over the file's times.</summary>
    [Range(typeof(TimeSpan), "00:00:00.000001", "366.00:00:00")]
    public TimeSpan? Interval { get; set; }

    /// <summary>
    /// Texts and numbers that stand for a missing value, separated by commas. Common texts are always recognized; numbers are detected if this is not set.
    /// </summary>
    public string? Missing { get; set; }

    /// <summary>point or comma.</summary>
    public string? DecimalSign { get; set; }

    /// <summary>One character, or comma, semicolon, tab, pipe, space.</summary>
    public string? Separator { get; set; }

    /// <summary>Reads the settings, each by the name of its property.</summary>
    /// <param name="value">Returns the value of a setting; null if it is not set.</param>
    /// <param name="setting">Returns the name of a setting for messages.</param>
    /// <exception cref="ReplayFileException">A setting cannot be read.</exception>
    public static ReplayOptions Read(Func<string, string?> value, SettingName setting)
    {
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(setting);
        return new ReplayOptions
        {
            File = value(nameof(File)),
            SpeedUp = Number(nameof(SpeedUp), 0.001, 10_000_000) ?? 300,
            Loop = Flag(nameof(Loop)),
            Backfill = Flag(nameof(Backfill)),
            Again = Flag(nameof(Again)),
            SensorType = value(nameof(SensorType)),
            SensorId = value(nameof(SensorId)) is not { } id ? null : id.Length <= 255 ? id : throw Wrong(nameof(SensorId), id, "must have 1 to 255 characters"),
            WarningThreshold = Number(nameof(WarningThreshold), double.MinValue, double.MaxValue),
            CriticalThreshold = Number(nameof(CriticalThreshold), double.MinValue, double.MaxValue),
            Columns = value(nameof(Columns)),
            NameColumn = value(nameof(NameColumn)),
            Types = value(nameof(Types)),
            Units = value(nameof(Units)),
            TimeColumn = value(nameof(TimeColumn)),
            TimeFormat = value(nameof(TimeFormat)),
            TimeZone = value(nameof(TimeZone)),
            DateOrder = value(nameof(DateOrder)),
            Interval = Time(nameof(Interval)),
            Missing = value(nameof(Missing)),
            DecimalSign = value(nameof(DecimalSign)),
            Separator = value(nameof(Separator)),
        };

        bool Flag(string name) => value(name) is { } text && (bool.TryParse(text, out var flag) ? flag : throw Wrong(name, text, "must be true or false"));

        double? Number(string name, double least, double most) => value(name) is not { } text ? null
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
            : throw Wrong(name, text, least > double.MinValue ? string.Create(CultureInfo.InvariantCulture, $"must be a number between {least} and {most}") : "must be a number");

        // A bare number is in seconds; TimeSpan would parse it as days.
        TimeSpan? Time(string name)
        {
            if (value(name) is not { } text)
            {
                return null;
            }

            var isRead = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds);
            var time = isRead && Math.Abs(seconds) < 1e9 ? TimeSpan.FromSeconds(seconds) : TimeSpan.Zero;
            isRead = isRead || TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out time);
            return isRead && time >= TimeSpan.FromMicroseconds(1) && time <= TimeSpan.FromDays(366) ? time : throw Wrong(name, text, "must be a time as 00:00:01 or a number of seconds, up to 366 days");
        }

        ReplayFileException Wrong(string name, string text, string allowed) => new($"{setting(name)} = {text}: {allowed}");
    }

    /// <summary>Returns the settings that have a value, by the names that <see cref="Read"/> uses.</summary>
    public IReadOnlyDictionary<string, string> ToSettings()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in typeof(ReplayOptions).GetProperties())
        {
            var text = property.GetValue(this) switch
            {
                TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
                IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
                var value => value?.ToString(),
            };
            if (text is { Length: > 0 })
            {
                settings[property.Name] = text;
            }
        }

        return settings;
    }
}

/// <summary>Returns the name under which the user gives a setting.</summary>
/// <param name="name">Name of a member of <see cref="ReplayOptions"/>.</param>
public delegate string SettingName(string name);

/// <summary>Thrown when the file, or a setting for it, is wrong. The message is one line: where, what and the remedy.</summary>
public sealed class ReplayFileException : FormatException
{
    public ReplayFileException(string message)
        : base(message)
    {
    }

    public ReplayFileException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public ReplayFileException()
    {
    }
}
