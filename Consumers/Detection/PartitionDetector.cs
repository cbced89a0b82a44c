using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>A rule that began to hold at a reading.</summary>
internal readonly record struct RaisedAlert(Guid AlertId, Rule Rule, string Severity, string Description);

/// <summary>What came of one reading.</summary>
internal sealed class Findings
{
    public List<RaisedAlert> Raised { get; } = [];

    public List<Episode> Resolved { get; } = [];

    public bool Duplicate { get; set; }

    public void Clear()
    {
        Raised.Clear();
        Resolved.Clear();
        Duplicate = false;
    }
}

/// <summary>
/// Applies the rules to the readings of one partition in the order of the log. What it finds depends on nothing but the log and the rules,
/// so that whoever reads the same log finds the same alerts, by the same ids.
/// </summary>
internal sealed class PartitionDetector(string logId, int partition, DetectionRules rules)
{
    private readonly Dictionary<byte[], SensorState> _sensors = new(Utf8Comparer.Instance);

    // By the index of the sensor in this process: one array access in place of a hash per reading.
    private SensorState?[] _byIndex = new SensorState?[64];

    private readonly List<SensorState> _newest = [];
    private readonly List<Episode> _changed = [];

    public IReadOnlyCollection<SensorState> Sensors => _sensors.Values;

    /// <summary>The time for silence: of whoever feeds this, and only while that goes on.</summary>
    public TimeSpan Now { get; set; }

    /// <summary>Sensors whose newest reading is not in <c>sensor_latest</c> yet.</summary>
    public List<SensorState> Newest => _newest;

    /// <summary>Open episodes whose rows are behind.</summary>
    public List<Episode> Changed => _changed;

    public SensorState? Find(string sensorId) => _sensors.GetValueOrDefault(Encoding.UTF8.GetBytes(sensorId));

    public void Restore(SensorState state)
    {
        state.Begin(Now);
        _sensors[state.Id] = state;
        foreach (var episode in state.Episodes)
        {
            if (episode is { Changed: true })
            {
                _changed.Add(episode);
            }
        }
    }

    /// <summary>Completes the reading's level, and says what it means for the sensor.</summary>
    public void Process(ref Reading reading, Findings findings)
    {
        findings.Clear();
        var state = StateOf(reading.Sensor.Identity);
        state.See(Now);
        if (reading.HasCount)
        {
            findings.Duplicate = !state.Sequences.Add(reading.Sensor.SequenceId, reading.ReadingCount, reading.Timestamp);
        }

        var typeRules = reading.Sensor.RulesIn(rules);
        var warning = double.IsNaN(reading.Warning) ? typeRules.Warning : reading.Warning;
        var critical = double.IsNaN(reading.Critical) ? typeRules.Critical : reading.Critical;
        if (!reading.HasLevel)
        {
            reading.Level = reading.Value >= critical ? AlertLevel.Critical : reading.Value >= warning ? AlertLevel.Warning : AlertLevel.Normal;
            reading.HasLevel = true;
        }

        state.ConsecutiveHigh = reading.Level >= AlertLevel.Warning ? state.ConsecutiveHigh + 1 : 0;
        Judge(state, ref reading, typeRules, critical, findings);
        state.Push(reading.Value);
        state.Latest ??= new LatestReading();
        state.Latest.Reading = reading;
        if (!state.LatestIsNew)
        {
            state.LatestIsNew = true;
            _newest.Add(state);
        }
    }

    /// <summary>Ends the episodes of sensors that are silent.</summary>
    public List<Episode> EndSilent()
    {
        const int Intervals = 5;
        var ended = new List<Episode>();
        foreach (var state in _sensors.Values)
        {
            if (Now - state.SeenAt <= rules.NoDataAfter || Now - state.SeenAt <= state.Interval * Intervals)
            {
                continue;
            }

            for (var i = 0; i < state.Episodes.Length; i++)
            {
                if (state.Episodes[i] is { } episode)
                {
                    state.Episodes[i] = null;
                    episode.Changed = false;
                    ended.Add(episode);
                }
            }
        }

        return ended;
    }

    private void Judge(SensorState state, ref Reading reading, TypeRules typeRules, double critical, Findings findings)
    {
        var high = state.ConsecutiveHigh >= typeRules.ConsecutiveHigh;
        Follow(state, Rule.ConsecutiveHigh, high, reading.Value, ref reading, typeRules, critical, findings);

        var step = state.ValueCount > 0 ? reading.Value - state.Values[state.ValueCount - 1] : 0;
        Follow(state, Rule.RapidChange, Math.Abs(step) > typeRules.RapidChange, Math.Abs(step), ref reading, typeRules, critical, findings);

        var distance = state.ValueCount == SensorState.Window ? reading.Value - MeanOf(state) : 0;
        Follow(state, Rule.BaselineDeviation, Math.Abs(distance) > typeRules.BaselineDeviation, Math.Abs(distance), ref reading, typeRules, critical, findings);

        // Without a threshold the message's own word stands.
        var violated = double.IsPositiveInfinity(critical) ? reading.Level == AlertLevel.Critical : reading.Value >= critical;
        Follow(state, Rule.CriticalThreshold, violated, reading.Value, ref reading, typeRules, critical, findings);
    }

    private void Follow(
        SensorState state, Rule rule, bool holds, double measure, ref Reading reading, TypeRules typeRules, double critical, Findings findings)
    {
        var episode = state.Episodes[(int)rule];
        if (!holds)
        {
            if (episode is not null)
            {
                state.Episodes[(int)rule] = null;
                episode.Changed = false;
                findings.Resolved.Add(episode);
            }

            return;
        }

        if (episode is null)
        {
            state.Episodes[(int)rule] = new Episode(AlertIdOf(logId, partition, reading.Offset, rule)) { PeakValue = reading.Value, PeakMeasure = measure };
            findings.Raised.Add(new RaisedAlert(
                state.Episodes[(int)rule]!.AlertId, rule, SeverityOf(rule, ref reading, critical), Describe(rule, state, ref reading, typeRules, critical)));
            return;
        }

        episode.Occurrences++;
        if (measure > episode.PeakMeasure)
        {
            (episode.PeakMeasure, episode.PeakValue) = (measure, reading.Value);
        }

        if (!episode.Changed)
        {
            episode.Changed = true;
            _changed.Add(episode);
        }
    }

    /// <summary>A UUID of version 8 (RFC 9562): 122 bits of a SHA-256 over what the alert is a function of.</summary>
    public static Guid AlertIdOf(string logId, int partition, long offset, Rule rule)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{logId}|{partition}|{offset}|{Rules.NameOf(rule)}");
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }

    private static string SeverityOf(Rule rule, ref Reading reading, double critical) =>
        reading.Level == AlertLevel.Critical || reading.Value >= critical ? Severities.High
        : rule is Rule.ConsecutiveHigh or Rule.RapidChange ? Severities.Medium
        : Severities.Low;

    private static double MeanOf(SensorState state)
    {
        var sum = 0.0;
        foreach (var value in state.Values)
        {
            sum += value;
        }

        return sum / SensorState.Window;
    }

    private static string Describe(Rule rule, SensorState state, ref Reading reading, TypeRules typeRules, double critical)
    {
        var unit = reading.Sensor.Unit;
        var value = reading.Value;
        switch (rule)
        {
            case Rule.ConsecutiveHigh:
                return Text($"{state.ConsecutiveHigh} readings in a row at warning level or worse, the last at {value:0.##} {unit}");
            case Rule.RapidChange:
                var before = state.Values[state.ValueCount - 1];
                return Text($"Changed by {value - before:+0.##;-0.##} {unit} at once, from {before:0.##} to {value:0.##} {unit}; {typeRules.RapidChange:0.##} {unit} are usual at most");
            case Rule.BaselineDeviation:
                var mean = MeanOf(state);
                return Text($"{value:0.##} {unit} is {Math.Abs(value - mean):0.##} {unit} {(value > mean ? "above" : "below")} the mean of the {SensorState.Window} readings before ({mean:0.##} {unit}); {typeRules.BaselineDeviation:0.##} {unit} are usual at most");
            default:
                return double.IsPositiveInfinity(critical)
                    ? Text($"{value:0.##} {unit} is critical by the sensor's own word")
                    : Text($"{value:0.##} {unit} has reached the critical threshold of {critical:0.##} {unit}");
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private SensorState StateOf(SensorIdentity identity)
    {
        if (identity.Index < _byIndex.Length && _byIndex[identity.Index] is { } known)
        {
            return known;
        }

        if (!_sensors.TryGetValue(identity.Id, out var state))
        {
            state = new SensorState(identity.Id);
            state.Begin(Now);
            _sensors.Add(identity.Id, state);
        }

        if (identity.Index >= _byIndex.Length)
        {
            Array.Resize(ref _byIndex, Math.Max(identity.Index + 1, _byIndex.Length * 2));
        }

        return _byIndex[identity.Index] = state;
    }
}
