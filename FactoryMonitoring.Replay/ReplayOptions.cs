using System.ComponentModel.DataAnnotations;

namespace FactoryMonitoring.Replay;

/// <summary>What is replayed and how: sections <c>Factory:Replay</c> and <c>Sensors:Replay</c>. What is not set is found in the file.</summary>
public sealed class ReplayOptions
{
    /// <summary>A CSV file, plain or gzip; nothing is replayed where it is not set.</summary>
    public string? File { get; set; }

    /// <summary>The file's intervals are divided by this.</summary>
    [Range(0.001, 10_000_000)]
    public double SpeedUp { get; set; } = 300;

    /// <summary>Begins anew at the end.</summary>
    public bool Loop { get; set; }

    /// <summary>The type of every column that <see cref="Types"/> does not name. Where neither does, the header tells.</summary>
    public string? SensorType { get; set; }

    /// <summary>Id of the one sensor, or what the ids of several begin with; at most 255 characters.</summary>
    [StringLength(255, MinimumLength = 1)]
    public string? SensorId { get; set; }

    /// <summary>In the unit of the values; the type's own where it is not set.</summary>
    public double? WarningThreshold { get; set; }

    /// <summary>In the unit of the values; the type's own where it is not set.</summary>
    public double? CriticalThreshold { get; set; }

    /// <summary>Columns that are sensors, by name or by number from 1 on, separated by commas; all that hold numbers where it is not set.</summary>
    public string? Columns { get; set; }

    /// <summary>Types by column: <c>T=temperature,3=humidity</c>.</summary>
    public string? Types { get; set; }

    /// <summary>Units by column: <c>T=°C,3=%</c>.</summary>
    public string? Units { get; set; }

    /// <summary>The column of the time, or two separated by a comma: the date's and the clock's; <c>none</c> where there is none.</summary>
    public string? TimeColumn { get; set; }

    /// <summary>Unit of a column that counts from a beginning: d, h, min, s, ms, us, ns; excel for the days that Excel counts. Other forms are found.</summary>
    public string? TimeFormat { get; set; }

    /// <summary>IANA id of the zone of times that name none; UTC where it is not set.</summary>
    public string? TimeZone { get; set; }

    /// <summary>day-first, month-first or year-first, where a date can be read in more than one way.</summary>
    public string? DateOrder { get; set; }

    /// <summary>Time from one row to the next, for a file without times; it wins over the file's times.</summary>
    [Range(typeof(TimeSpan), "00:00:00.000001", "366.00:00:00")]
    public TimeSpan? Interval { get; set; }

    /// <summary>Texts and numbers that stand for a missing value, separated by commas. Those usual as text are known in any case; numbers are looked for where it is not set.</summary>
    public string? Missing { get; set; }

    /// <summary>point or comma.</summary>
    public string? DecimalSign { get; set; }

    /// <summary>One character, or comma, semicolon, tab, pipe, space.</summary>
    public string? Separator { get; set; }
}

/// <summary>What a setting is called where the user gives it.</summary>
/// <param name="name">Name of a member of <see cref="ReplayOptions"/>.</param>
public delegate string SettingName(string name);

/// <summary>The file, or a setting for it, is wrong. The message is one line: where, what and the remedy.</summary>
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
