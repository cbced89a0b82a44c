using System.Runtime.CompilerServices;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>The fields that differ between the messages of one sensor.</summary>
internal enum ShapeField
{
    Timestamp,
    Value,
    Level,
    Quality,
    Count,
}

/// <summary>The position of a field in a message: the text between its quotation marks, or the number.</summary>
internal readonly record struct ShapeMark(ShapeField Field, int Start, int Length);

/// <summary>
/// The last message of a sensor that was read in full. The sensor's next message usually differs from it in only a few values: if every other byte is
/// identical, only these values need to be read. Any other message is read in full, with the same result.
/// </summary>
/// <param name="message">Kept without a copy.</param>
/// <param name="marks">In the order of their positions in the message.</param>
/// <param name="reading">The result of reading the message.</param>
internal sealed class MessageShape(byte[] message, ShapeMark[] marks, in Reading reading)
{
    /// <summary>A whole number with this many digits is exact as a double, and so is such a power of ten.</summary>
    private const int ExactDigits = 15;

    private const int MaxCountDigits = 18;

    private static readonly double[] PowersOfTen = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

    private readonly Reading _reading = reading;

    /// <summary>Consecutive messages that did not have the known shape.</summary>
    public int Misses { get; set; }

    /// <returns>False if the message must be read in full; <paramref name="found"/> is then invalid.</returns>
    public bool TryRead(ReadOnlySpan<byte> next, ref Reading found)
    {
        found = _reading;
        var same = message.AsSpan();
        var from = 0;
        foreach (ref readonly var mark in marks.AsSpan())
        {
            if (!Skip(ref next, same[from..mark.Start]) || !Read(mark.Field, ref next, ref found))
            {
                return false;
            }

            from = mark.Start + mark.Length;
        }

        return next.SequenceEqual(same[from..]);
    }

    private static bool Read(ShapeField field, ref ReadOnlySpan<byte> next, ref Reading found)
    {
        switch (field)
        {
            case ShapeField.Timestamp:
                return ReadTimestamp(ref next, out found.Timestamp);
            case ShapeField.Value:
                return ReadNumber(ref next, out found.Value);
            case ShapeField.Level:
                return ReadLevel(ref next, out found.Level);
            case ShapeField.Quality:
                var isRead = ReadNumber(ref next, out var quality);
                found.Quality = (float)quality;
                return isRead && found.Quality <= 1;
            default:
                return ReadCount(ref next, out found.ReadingCount);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Skip(ref ReadOnlySpan<byte> next, ReadOnlySpan<byte> expected)
    {
        if (!next.StartsWith(expected))
        {
            return false;
        }

        next = next[expected.Length..];
        return true;
    }

    /// <summary>Reads 2026-01-31T23:59:59.1234567Z, with up to seven fractional digits.</summary>
    private static bool ReadTimestamp(ref ReadOnlySpan<byte> next, out long timestamp)
    {
        const int Seconds = 19;
        timestamp = 0;
        if (next.Length <= Seconds || next[4] != '-' || next[7] != '-' || next[10] != 'T' || next[13] != ':' || next[16] != ':'
            || !TwoDigits(next, 0, out var century) || !TwoDigits(next, 2, out var year) || !TwoDigits(next, 5, out var month) || !TwoDigits(next, 8, out var day)
            || !TwoDigits(next, 11, out var hour) || !TwoDigits(next, 14, out var minute) || !TwoDigits(next, 17, out var second))
        {
            return false;
        }

        year += century * 100;
        if (year == 0 || month is 0 or > 12 || day == 0 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }

        var at = Seconds;
        var fraction = 0L;
        if (next[at] == '.')
        {
            var unit = TimeSpan.TicksPerSecond;
            for (at++; at < next.Length && IsDigit(next[at]); at++)
            {
                unit /= 10;
                fraction += (next[at] - '0') * unit;
                if (unit == 0)
                {
                    return false;
                }
            }

            if (unit == TimeSpan.TicksPerSecond)
            {
                return false;
            }
        }

        if (at == next.Length || next[at] != 'Z')
        {
            return false;
        }

        timestamp = PostgresTime.FromUtc(new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).AddTicks(fraction));
        next = next[(at + 1)..];
        return true;
    }

    /// <summary>Reads a number without an exponent, with no more digits than can be converted exactly.</summary>
    private static bool ReadNumber(ref ReadOnlySpan<byte> next, out double number)
    {
        number = 0;
        var at = next.Length > 0 && next[0] == '-' ? 1 : 0;
        var isNegative = at == 1;
        var first = at;
        var digits = 0L;
        for (; at < next.Length && IsDigit(next[at]); at++)
        {
            digits = (digits * 10) + (next[at] - '0');
            if (at - first >= ExactDigits)
            {
                return false;
            }
        }

        var whole = at - first;
        if (whole == 0 || (whole > 1 && next[first] == '0'))
        {
            return false;
        }

        var decimals = 0;
        if (at < next.Length && next[at] == '.')
        {
            for (at++; at < next.Length && IsDigit(next[at]); at++, decimals++)
            {
                digits = (digits * 10) + (next[at] - '0');
                if (whole + decimals >= ExactDigits)
                {
                    return false;
                }
            }

            if (decimals == 0)
            {
                return false;
            }
        }

        // Both are exact, so the quotient is the double nearest to the number.
        number = digits / PowersOfTen[decimals];
        number = isNegative ? -number : number;
        next = next[at..];
        return true;
    }

    private static bool ReadCount(ref ReadOnlySpan<byte> next, out long count)
    {
        count = 0;
        var at = 0;
        for (; at < next.Length && IsDigit(next[at]); at++)
        {
            count = (count * 10) + (next[at] - '0');
            if (at == MaxCountDigits)
            {
                return false;
            }
        }

        if (at == 0 || (at > 1 && next[0] == '0'))
        {
            return false;
        }

        next = next[at..];
        return true;
    }

    private static bool ReadLevel(ref ReadOnlySpan<byte> next, out Contracts.AlertLevel level)
    {
        level = Contracts.AlertLevel.Normal;
        if (Skip(ref next, "normal"u8))
        {
            return true;
        }

        level = Contracts.AlertLevel.Warning;
        if (Skip(ref next, "warning"u8))
        {
            return true;
        }

        level = Contracts.AlertLevel.Critical;
        return Skip(ref next, "critical"u8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TwoDigits(ReadOnlySpan<byte> text, int at, out int number)
    {
        var (tens, units) = (text[at] - '0', text[at + 1] - '0');
        number = (tens * 10) + units;
        return (uint)tens <= 9 && (uint)units <= 9;
    }

    private static bool IsDigit(byte character) => (uint)(character - '0') <= 9;
}

/// <summary>The shapes of the sensors' messages, by message key. Only used by the thread that parses.</summary>
internal sealed class MessageShapes
{
    /// <summary>Beyond this number all shapes are forgotten.</summary>
    private const int Capacity = 5_000;

    /// <summary>After this many consecutive messages that all differ, messages with this key are read in full.</summary>
    private const int MaxMisses = 16;

    /// <summary>By a hash of the key: keys with the same hash are compared with each other's shape, and the bytes of their messages do not match it.</summary>
    private readonly Dictionary<int, MessageShape> _shapes = [];
    private readonly ShapeMark[] _marks = new ShapeMark[Enum.GetValues<ShapeField>().Length];
    private MessageShape? _tried;
    private int _key;
    private int _marked;
    private bool _isPlain;

    /// <summary>Whether a field was marked twice in the message that is read in full.</summary>
    public bool IsRepeated => !_isPlain;

    /// <summary>Reads a message of a known shape.</summary>
    /// <param name="key">A hash of the message's key.</param>
    /// <returns>False if it must be read in full, with <see cref="Mark"/> and <see cref="Remember"/>.</returns>
    public bool TryRead(int key, ReadOnlySpan<byte> message, ref Reading found)
    {
        _key = key;
        _marked = 0;
        _isPlain = true;
        if (_shapes.TryGetValue(key, out _tried) && _tried.Misses < MaxMisses && _tried.TryRead(message, ref found))
        {
            _tried.Misses = 0;
            return true;
        }

        return false;
    }

    /// <summary>Records the position of a field in the message that is read in full.</summary>
    public void Mark(ShapeField field, int start, int length)
    {
        for (var i = 0; i < _marked; i++)
        {
            // The same name occurs twice: only the last counts.
            _isPlain &= _marks[i].Field != field;
        }

        if (_isPlain)
        {
            _marks[_marked++] = new ShapeMark(field, start, length);
        }
    }

    /// <summary>Remembers a message that was read in full, because the sensor's next one may be like it.</summary>
    public void Remember(ReadOnlySpan<byte> message, in Reading reading)
    {
        var misses = _tried is null ? 0 : _tried.Misses + 1;
        if (misses > MaxMisses || !_isPlain)
        {
            return;
        }

        if (_tried is null && _shapes.Count >= Capacity)
        {
            _shapes.Clear();
        }

        _shapes[_key] = new MessageShape(message.ToArray(), [.. _marks.AsSpan(0, _marked)], reading) { Misses = misses };
    }
}
