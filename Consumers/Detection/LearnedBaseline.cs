using System.Runtime.CompilerServices;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>How far a sensor's readings deviate from its baseline beyond the limit.</summary>
/// <param name="IsOfChanges">The deviation is in the changes from reading to reading, not in the values.</param>
/// <param name="Readings">The number of readings averaged in <paramref name="Now"/>.</param>
/// <param name="Time">The same as a time, if readings arrive more often than they are counted; otherwise zero.</param>
/// <param name="Now">In the unit of the readings, as are <paramref name="Low"/> and <paramref name="High"/>.</param>
/// <param name="Low">Two standard deviations below the mean.</param>
/// <param name="High">Two standard deviations above the mean.</param>
/// <param name="Score">Above 1: the distance from the mean as a multiple of the distance at which it is unusual.</param>
internal readonly record struct Deviation(bool IsOfChanges, int Readings, TimeSpan Time, double Now, double Low, double High, double Score);

/// <summary>
/// The baseline of a sensor, learned from its readings in constant memory: EWMA control charts (Roberts 1959) over the values less a daily
/// profile. The profile is the mean value of each hour of the day (UTC) over about the last week. Three exponentially weighted means are monitored: of the
/// last 6 and of the last 72 values less the profile, and of the last 72 changes from reading to reading. Each has a separate mean and standard deviation over
/// about the last two weeks, and is unusual if its distance from that mean exceeds both its number of standard deviations and the type's deadband.
/// All readings are learned immediately, unusual ones too: a level that persists becomes usual. A reading counts as one if a step of time has passed since the
/// one before, otherwise as that share of one: a sensor that sends every few seconds is not monitored over seconds.
/// </summary>
internal sealed class LearnedBaseline
{
    /// <summary>Fewer readings are not sufficient for a baseline.</summary>
    public const int MinReadings = 100;

    /// <summary>A deviation is over after this many readings in a row without one.</summary>
    public const int Settled = Long;

    private const int Short = 6;
    private const int Long = 72;
    private const double ShortLimit = 4.5;
    private const double LongLimit = 2.8;
    private const double ChangesLimit = 4;

    /// <summary>Standard deviations on either side of the mean that are called usual.</summary>
    private const double Usual = 2;

    /// <summary>In standard deviations and in deadbands: a value that is further away counts as one at this distance.</summary>
    private const double Furthest = 30;

    /// <summary>The squares of such values can be added, and the values fit into single precision.</summary>
    private const double MaxValue = 1e30;

    private const int Hours = 24;
    private const int ProfileDays = 7;

    // Microseconds.
    private const long Hour = 3_600_000_000;
    private const long Day = Hours * Hour;
    private const double Memory = 14 * Day;

    /// <summary>The maximum time that one reading stands for, in microseconds: a gap is not represented by its last reading.</summary>
    private const long MaxGap = Hour / 3;

    /// <summary>After a gap of an hour and of this many times the mean interval, the readings before it do not describe the current ones.</summary>
    private const int Silence = 5;

    private Profile _profile;
    private Visits _visits;
    private Chart _short;
    private Chart _long;
    private Chart _changes;
    private double _mean;
    private double _previous;
    private double _hourSum;
    private long _at;
    private long _watched;
    private double _count;
    private double _quiet = Settled;
    private int _hourCount;
    private byte _hour;

    /// <summary>Whether something was unusual within the last <see cref="Settled"/> readings.</summary>
    public bool IsSettling => _quiet < Settled;

    /// <summary>Compares a reading with the baseline, and learns from it.</summary>
    /// <param name="at">
    /// The sensor's own timestamp, microseconds since 2000-01-01 UTC. A reading older than the one before moves no mean, unless each reading counts.
    /// </param>
    /// <param name="learnFor">Time since the first reading before which nothing is unusual; a gap of more than a day counts as a day.</param>
    /// <returns>Null if nothing is unusual; otherwise the largest deviation.</returns>
    public Deviation? Observe(double value, long at, TypeRules rules, TimeSpan learnFor)
    {
        value = Math.Clamp(value, -MaxValue, MaxValue);
        if (_count == 0)
        {
            (_mean, _previous, _at) = (value, value, at);
        }
        else if (at - _at > Hour && at - _at > Silence * (_watched / _count))
        {
            _short.Restart();
            _long.Restart();
            _changes.Restart();
        }

        var timeOfDay = ((at % Day) + Day) % Day; // times before 2000 are negative
        if (at >= _at)
        {
            Enter((int)(timeOfDay / Hour));
        }

        var step = rules.LearningStep;
        var share = _count == 0 || step == 0 || at - _at >= step ? 1 : Math.Max(0, at - _at) / step;
        _count += share;
        _watched += Math.Clamp(at - _at, 0, Day);
        var weight = Math.Max(share / _count, Math.Clamp(at - _at, 0, MaxGap) / Memory);
        var expected = Expected((int)(timeOfDay / Hour), timeOfDay % Hour);
        var deadband = rules.DeadbandAt(expected + _long.Mean);
        value = Within(value, expected + _short.Mean, deadband);
        _short.Add(value - expected, share / Math.Min(Short, _count));
        _long.Add(value - expected, share / Math.Min(Long, _count));
        _changes.Add(Math.Abs(value - _previous), share / Math.Min(Long, _count));

        Deviation? worst = null;
        if (_count > MinReadings && _watched >= learnFor.TotalMicroseconds)
        {
            worst = Worse(worst, _short, ShortLimit, deadband, Short, expected);
            worst = Worse(worst, _long, LongLimit, deadband, Long, expected);
            worst = Worse(worst, _changes, ChangesLimit, deadband, Long, null);
        }

        _short.Learn(weight);
        _long.Learn(weight);
        _changes.Learn(weight);
        _mean += weight * (value - _mean);
        _hourSum += value;
        _hourCount++;
        (_previous, _at) = (value, at);
        _quiet = worst is null ? Math.Min(_quiet + share, Settled) : 0;
        return share < 1 && worst is { } deviation ? deviation with { Time = TimeSpan.FromMicroseconds(deviation.Readings * step) } : worst;
    }

    /// <summary>Writes the fields in order; 253 bytes.</summary>
    public void Write(BinaryWriter writer)
    {
        foreach (var mean in (ReadOnlySpan<float>)_profile)
        {
            writer.Write(mean);
        }

        writer.Write((ReadOnlySpan<byte>)_visits);
        _short.Write(writer);
        _long.Write(writer);
        _changes.Write(writer);
        writer.Write(_mean);
        writer.Write(_previous);
        writer.Write(_hourSum);
        writer.Write(_at);
        writer.Write(_watched);
        writer.Write(_count);
        writer.Write(_quiet);
        writer.Write(_hourCount);
        writer.Write(_hour);
    }

    /// <exception cref="EndOfStreamException">The data is shorter.</exception>
    public static LearnedBaseline Read(BinaryReader reader)
    {
        var baseline = new LearnedBaseline();
        foreach (ref var mean in (Span<float>)baseline._profile)
        {
            mean = reader.ReadSingle();
        }

        reader.BaseStream.ReadExactly(baseline._visits);
        baseline._short = Chart.Read(reader);
        baseline._long = Chart.Read(reader);
        baseline._changes = Chart.Read(reader);
        baseline._mean = reader.ReadDouble();
        baseline._previous = reader.ReadDouble();
        baseline._hourSum = reader.ReadDouble();
        baseline._at = reader.ReadInt64();
        baseline._watched = reader.ReadInt64();
        baseline._count = reader.ReadDouble();
        baseline._quiet = reader.ReadDouble();
        baseline._hourCount = reader.ReadInt32();
        baseline._hour = reader.ReadByte();
        return baseline;
    }

    private static Deviation? Worse(Deviation? worst, in Chart chart, double limit, double deadband, int readings, double? expected)
    {
        var distance = Math.Abs(chart.Value - chart.Mean);
        if (distance <= deadband || distance * distance <= limit * limit * chart.Variance)
        {
            return worst;
        }

        var deviation = Math.Sqrt(chart.Variance);
        var most = Math.Max(limit * deviation, deadband);
        if (distance / most <= worst?.Score)
        {
            return worst;
        }

        var shift = expected ?? 0;
        var low = chart.Mean - (Usual * deviation);
        return new(expected is null, readings, TimeSpan.Zero, shift + chart.Value, expected is null ? Math.Max(0, low) : shift + low, shift + chart.Mean + (Usual * deviation), distance / most);
    }

    /// <summary>Limits an extreme value, such as one that indicates a fault, to the furthest distance.</summary>
    private double Within(double value, double mean, double deadband)
    {
        var most = _count > MinReadings ? Furthest * Math.Max(Math.Sqrt(_short.Variance), deadband) : 0;
        return most > 0 ? Math.Clamp(value, mean - most, mean + most) : value;
    }

    /// <summary>Adds the mean of an hour to the profile when the hour ends.</summary>
    private void Enter(int hour)
    {
        if (hour == _hour)
        {
            return;
        }

        if (_hourCount > 0)
        {
            var visits = _visits[_hour] = (byte)Math.Min(_visits[_hour] + 1, ProfileDays);
            _profile[_hour] += (float)(((_hourSum / _hourCount) - _profile[_hour]) / visits);
        }

        (_hour, _hourSum, _hourCount) = ((byte)hour, 0, 0);
    }

    /// <summary>Interpolates the profile between the middles of its hours; returns the mean of all values for an hour that is not in the profile yet.</summary>
    /// <param name="within">Microseconds since the start of the hour.</param>
    private double Expected(int hour, long within)
    {
        if (_visits[hour] == 0)
        {
            return _mean;
        }

        var offset = (within / (double)Hour) - 0.5;
        var neighbour = (hour + (offset < 0 ? Hours - 1 : 1)) % Hours;
        return _visits[neighbour] == 0
            ? _profile[hour]
            : ((1 - Math.Abs(offset)) * _profile[hour]) + (Math.Abs(offset) * _profile[neighbour]);
    }

    /// <summary>An exponentially weighted mean, and the mean and variance of that mean.</summary>
    private struct Chart
    {
        public double Value;
        public double Mean;
        public double Variance;

        public void Add(double input, double weight) => Value += weight * (input - Value);

        public void Learn(double weight)
        {
            var distance = Value - Mean;
            Mean += weight * distance;
            Variance = (1 - weight) * (Variance + (weight * distance * distance));
        }

        /// <summary>Resets the value to its mean.</summary>
        public void Restart() => Value = Mean;

        public readonly void Write(BinaryWriter writer)
        {
            writer.Write(Value);
            writer.Write(Mean);
            writer.Write(Variance);
        }

        public static Chart Read(BinaryReader reader) => new() { Value = reader.ReadDouble(), Mean = reader.ReadDouble(), Variance = reader.ReadDouble() };
    }

    [InlineArray(Hours)]
    private struct Profile
    {
        private float _first;
    }

    [InlineArray(Hours)]
    private struct Visits
    {
        private byte _first;
    }
}
