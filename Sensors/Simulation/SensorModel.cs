using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Sensors.Simulation;

/// <summary>
/// The values of one simulated sensor: a mean-reverting drift (an Ornstein-Uhlenbeck process) around the type's base, measurement noise, and
/// excursions that ramp in, hold and ramp out. The length of the calm after an excursion, and the share of critical excursions, are chosen so that 15 % of
/// all readings are warnings and 5 % criticals; the sums are kept over the actual readings, so that errors do not add up.
/// </summary>
internal sealed class SensorModel
{
    private const double WarningShare = 0.15;
    private const double CriticalShare = 0.05;
    private const double HighShare = WarningShare + CriticalShare;
    private const int ShortestHold = 20;
    private const int LongestHold = 40;
    private const int LongestRamp = 4;

    /// <summary>The number of readings after which the drift no longer depends on its earlier value.</summary>
    private const double DriftMemory = 40;

    private readonly Random _random;
    private readonly SensorTypeInfo _type;
    private readonly Thresholds _thresholds;
    private readonly double _ceiling;
    private readonly double _driftScale;
    private readonly double _noiseScale;
    private double _drift;

    // Negative: there are fewer criticals among the high readings than their share.
    private double _criticalBalance;
    private int _calmLeft;
    private Excursion? _excursion;
    private int _highInExcursion;

    /// <param name="type">Base, range and unit.</param>
    /// <param name="thresholds">The thresholds of warning and critical.</param>
    /// <param name="phase">Between 0 and 1: where in its first cycle of calm and excursion the sensor starts.</param>
    /// <param name="kindPhase">Between 0 and 1: how far it is from its next critical excursion.</param>
    /// <param name="random">The source of all its randomness.</param>
    public SensorModel(SensorTypeInfo type, Thresholds thresholds, double phase, double kindPhase, Random random)
    {
        _type = type;
        _thresholds = thresholds;
        _random = random;
        // The type's range, unless the configured thresholds leave no space in it for criticals.
        _ceiling = Math.Max(type.Minimum, type.Maximum > thresholds.Critical ? type.Maximum : 2 * thresholds.Critical - thresholds.Warning);
        var room = Math.Max(thresholds.Warning - type.Base, 0.05 * (type.Maximum - type.Minimum));
        _driftScale = 0.12 * room;
        _noiseScale = Math.Min(0.03 * room, 0.06 * (thresholds.Critical - thresholds.Warning));
        _drift = Normal();

        var hold = (ShortestHold + LongestHold) / 2;
        _criticalBalance = hold * (kindPhase - CriticalShare / HighShare);
        if (phase < HighShare)
        {
            _excursion = Begin(alreadyHeld: (int)(hold * phase / HighShare));
        }
        else
        {
            _calmLeft = (int)(hold / HighShare * (1 - phase));
        }
    }

    /// <returns>The value of the next reading, in the type's unit, to two decimals.</returns>
    public double Next()
    {
        _drift += -_drift / DriftMemory + Math.Sqrt(2 / DriftMemory) * Normal();
        var calm = _type.Base + _driftScale * _drift;
        if (_excursion is null && _calmLeft-- <= 0)
        {
            _excursion = Begin(alreadyHeld: 0);
        }

        if (_excursion is not { } excursion)
        {
            return Measure(calm);
        }

        var share = excursion.NextShare();
        var value = Measure((1 - share) * calm + share * (excursion.Level + excursion.Wobble * _drift));
        Count(value);
        if (excursion.IsOver)
        {
            End();
        }

        return value;
    }

    private Excursion Begin(int alreadyHeld)
    {
        _highInExcursion = alreadyHeld;
        var isCritical = _criticalBalance < 0;
        var (from, to) = isCritical ? (_thresholds.Critical, _ceiling) : (_thresholds.Warning, _thresholds.Critical);
        var level = from + (to - from) * (0.35 + 0.3 * _random.NextDouble());
        var hold = Math.Max(1, _random.Next(ShortestHold, LongestHold + 1) - alreadyHeld);
        var ramp = alreadyHeld > 0 ? 0 : _random.Next(LongestRamp + 1);
        return new Excursion(level, 0.06 * (to - from), ramp, hold, _random.Next(LongestRamp + 1));
    }

    private void Count(double value)
    {
        var level = _thresholds.LevelOf(value);
        if (level == AlertLevel.Normal)
        {
            return;
        }

        _highInExcursion++;
        _criticalBalance += (level == AlertLevel.Critical ? 1 : 0) - CriticalShare / HighShare;
    }

    private void End()
    {
        _excursion = null;
        _calmLeft = (int)Math.Round(_highInExcursion * (1 - HighShare) / HighShare * (0.8 + 0.4 * _random.NextDouble()));
    }

    private double Measure(double value) => Math.Round(Math.Clamp(value + _noiseScale * Normal(), _type.Minimum, _ceiling), 2);

    /// <summary>Returns a normally distributed number by the Box-Muller transform.</summary>
    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());

    private sealed class Excursion(double level, double wobble, int rampIn, int hold, int rampOut)
    {
        private int _reading;

        public double Level => level;

        public double Wobble => wobble;

        public bool IsOver => _reading >= rampIn + hold + rampOut;

        /// <returns>The share of excursion in the next reading; the rest is calm.</returns>
        public double NextShare()
        {
            var reading = _reading++;
            if (reading < rampIn)
            {
                return (reading + 1.0) / (rampIn + 1);
            }

            return reading < rampIn + hold ? 1 : 1 - (reading - rampIn - hold + 1.0) / (rampOut + 1);
        }
    }
}
