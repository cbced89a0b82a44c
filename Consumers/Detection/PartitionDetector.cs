using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>An alert raised because a rule began to hold at a reading.</summary>
internal readonly record struct RaisedAlert(Guid AlertId, Rule Rule, string Severity, string Description);

/// <summary>The result of one reading.</summary>
internal sealed class Findings
{
    public List<RaisedAlert> Raised { get; } = [];

    public List<Episode> Resolved { get; } = [];

    public bool Duplicate { get; set; }

    /// <summary>The sensor exceeds the number of sensors that are remembered.</summary>
    public bool Unjudged { get; set; }

    public void Clear()
    {
        Unjudged = false;
        Raised.Clear();
        Resolved.Clear();
        Duplicate = false;
    }
}

/// <summary>
/// Applies the rules to the readings of one partition in log order. Its findings depend on nothing but the log and the rules,
/// so that every consumer that reads the same log finds the same alerts, with the same ids. It remembers as many sensors as its rules allow: readings of
/// further sensors get a level, but are not judged.
/// </summary>
internal sealed class PartitionDetector(string logId, int partition, DetectionRules rules)
{
    /// <summary>
    /// Gaps of all sensors' counts that are remembered, 3 MB; beyond this number those of the sensor that has had gaps for longest are forgotten, with the counts
    /// below them. As with a forgotten sequence, such a count is looked up in the database if the brokers have acknowledged it.
    /// </summary>
    public const int MaxGaps = 200_000;

    /// <summary>A longer silence is one whatever the intervals were: a producer chooses its records' timestamps.</summary>
    private static readonly TimeSpan MaxSilence = TimeSpan.FromDays(2);

    private readonly Dictionary<byte[], SensorState> _sensors = new(Utf8Comparer.Instance);
    private readonly HashSet<SensorState> _alarmed = [];
    private readonly List<SensorState> _newest = [];
    private readonly List<Episode> _changed = [];
    private readonly List<SensorState> _changedSensors = [];
    private readonly List<byte[]> _forgotten = [];
    private readonly LinkedList<SensorState> _withGaps = new();
    private TimeSpan _bornAt;
    private int _gaps;
    private int _elsewhere;
    private Deviation? _deviation;

    public IReadOnlyCollection<SensorState> Sensors => _sensors.Values;

    /// <summary>The clock for silence: set by the caller, and advanced only while it processes readings.</summary>
    public TimeSpan Now { get; set; }

    /// <summary>Sensors whose newest reading is not yet in <c>sensor_latest</c> or <c>backfilled_sensors</c>.</summary>
    public List<SensorState> Newest => _newest;

    /// <summary>Open episodes whose rows are out of date.</summary>
    public List<Episode> Changed => _changed;

    /// <summary>Sensors that have changed since the last call of <see cref="Settle"/>.</summary>
    public IReadOnlyList<SensorState> ChangedSensors => _changedSensors;

    /// <summary>Ids of sensors forgotten since then, except those that have come back.</summary>
    public IReadOnlyList<byte[]> Forgotten => _forgotten.FindAll(id => !_sensors.ContainsKey(id));

    /// <summary>The number of gaps that are remembered of all sensors' counts.</summary>
    public int Gaps => _gaps;

    /// <summary>The rules in force.</summary>
    public DetectionRules InForce => rules;

    /// <summary>Whether no further sensor can be remembered.</summary>
    public bool IsFull => _sensors.Count >= rules.MaxSensors;

    /// <summary>Returns the state of a sensor's live readings.</summary>
    public SensorState? Find(string sensorId) => _sensors.GetValueOrDefault(Encoding.UTF8.GetBytes(sensorId));

    /// <summary>Returns the state of a sensor's backfilled readings.</summary>
    public SensorState? FindBackfill(string sensorId) => _sensors.GetValueOrDefault(SensorState.BackfillOf(Encoding.UTF8.GetBytes(sensorId)));

    /// <summary>Returns the state that a reading with this identity belongs to.</summary>
    public SensorState? Find(SensorIdentity identity) => _sensors.GetValueOrDefault(identity.StateId);

    /// <summary>The age of this memory: how long it has been advanced, by all owners of the partition together.</summary>
    public TimeSpan Age => AgeAt(Now);

    /// <summary>The age of this memory at a time by <see cref="Now"/>.</summary>
    public TimeSpan AgeAt(TimeSpan time) => time - _bornAt;

    /// <summary>Restores a sensor from a snapshot, replacing its current state.</summary>
    public void Restore(SensorState state)
    {
        Forget(state.Id);
        state.Owner = this;
        _sensors[state.Id] = state;
        _elsewhere += state.IsJudgedElsewhere ? 1 : 0;
        CountGaps(state);
        if (state.HasEpisodes)
        {
            _alarmed.Add(state);
        }
    }

    /// <summary>Forgets a sensor.</summary>
    public void Forget(byte[] id)
    {
        if (_sensors.Remove(id, out var state))
        {
            _elsewhere -= state.IsJudgedElsewhere ? 1 : 0;
            state.Owner = null;
            _alarmed.Remove(state);
            EndGaps(state);
        }
    }

    /// <summary>Detaches its sensors when it is no longer used, so that no sensor referenced elsewhere keeps it and all its sensors alive.</summary>
    public void End()
    {
        foreach (var state in _sensors.Values)
        {
            state.Owner = null;
        }
    }

    /// <summary>Sets the clock on from when the memory was last written, and queues the out-of-date rows of open episodes. Must be called after the last <see cref="Restore"/>.</summary>
    /// <param name="age">The age of the memory; its sensors' <see cref="SensorState.SeenAt"/> is by it until now.</param>
    public void Begin(TimeSpan age)
    {
        _bornAt = Now - age;
        foreach (var state in _sensors.Values)
        {
            state.Begin(state.SeenAt + _bornAt);
        }

        foreach (var state in _alarmed)
        {
            for (var rule = 0; rule < Rules.Count; rule++)
            {
                if (state[(Rule)rule] is { Changed: true } episode)
                {
                    _changed.Add(episode);
                }
            }
        }
    }

    /// <summary>Marks the current memory as written.</summary>
    public void Settle()
    {
        foreach (var state in _changedSensors)
        {
            state.IsChanged = false;
        }

        _changedSensors.Clear();
        _forgotten.Clear();
    }

    /// <summary>Completes the reading's level, and determines its effect on the sensor.</summary>
    public void Process(ref Reading reading, Findings findings)
    {
        findings.Clear();
        var typeRules = reading.Sensor.RulesIn(rules);
        var warning = double.IsNaN(reading.Warning) ? typeRules.Warning : reading.Warning;
        // A message with a level and without a threshold has judged its value by a limit that is not known here.
        var isLevelItsOwn = reading.HasLevel && double.IsNaN(reading.Warning);
        var critical = !double.IsNaN(reading.Critical) ? reading.Critical : reading.HasLevel ? double.PositiveInfinity : typeRules.Critical;
        if (!reading.HasLevel)
        {
            reading.Level = reading.Value >= critical ? AlertLevel.Critical : reading.Value >= warning ? AlertLevel.Warning : AlertLevel.Normal;
            reading.HasLevel = true;
        }

        if (StateOf(reading.Sensor.Identity) is not { } state)
        {
            findings.Unjudged = true;
            return;
        }

        state.See(Now, reading.ProducedAt);
        state.Measure(reading.Sensor.Unit);
        if (reading.HasCount)
        {
            findings.Duplicate = !state.Sequences.Add(reading.Sensor.SequenceId, reading.ReadingCount, reading.Timestamp);
            if (state.Sequences.GapCount != state.CountedGaps)
            {
                CountGaps(state);
            }
        }

        if (!state.IsJudgedElsewhere)
        {
            state.ConsecutiveHigh = reading.Level >= AlertLevel.Warning ? state.ConsecutiveHigh + 1 : 0;
            Judge(state, ref reading, typeRules, isLevelItsOwn ? double.PositiveInfinity : warning, critical, findings);
            state.Push(reading.Value);
        }

        Note(state, ref reading);
        Change(state);
    }

    /// <summary>Sets whether another partition judges a sensor whose readings arrive in several.</summary>
    public void JudgeElsewhere(string sensorId, bool isElsewhere)
    {
        if ((isElsewhere || _elsewhere > 0) && Find(sensorId) is { } state && state.IsJudgedElsewhere != isElsewhere)
        {
            _elsewhere += isElsewhere ? 1 : -1;
            state.IsJudgedElsewhere = isElsewhere;
            state.ConsecutiveHigh = 0;
            Change(state);
        }
    }

    /// <summary>Ends the episodes of sensors that are silent, or judged in another partition.</summary>
    /// <returns>The episodes, each with its reason.</returns>
    public List<(Episode Episode, string Because)> EndUnseen()
    {
        var ended = new List<(Episode, string)>();
        foreach (var state in _alarmed.Where(state => state.IsJudgedElsewhere || IsSilent(state)).ToList())
        {
            for (var rule = 0; rule < Rules.Count; rule++)
            {
                if (state[(Rule)rule] is { } episode)
                {
                    state[(Rule)rule] = null;
                    state.Since((Rule)rule, null);
                    episode.Changed = false;
                    ended.Add((episode, state.IsJudgedElsewhere ? AlertEnds.OtherPartition : AlertEnds.NoData));
                }
            }

            _alarmed.Remove(state);
            Change(state);
        }

        return ended;
    }

    /// <summary>Forgets silent sensors if no further sensor can be remembered.</summary>
    public void MakeRoom()
    {
        if (!IsFull)
        {
            return;
        }

        foreach (var state in _sensors.Values.Where(state => !state.HasEpisodes && state.Latest is null && IsSilent(state)).ToList())
        {
            Forget(state.Id);
            _forgotten.Add(state.Id);
        }
    }

    private bool IsSilent(SensorState state)
    {
        const int Intervals = 5;
        var silence = Now - state.SeenAt;
        return silence > rules.NoDataAfter && (silence > MaxSilence || silence > state.Interval * Intervals);
    }

    private void CountGaps(SensorState state)
    {
        _gaps += state.Sequences.GapCount - state.CountedGaps;
        state.CountedGaps = state.Sequences.GapCount;
        if (state.CountedGaps == 0)
        {
            EndGaps(state);
            return;
        }

        state.GapPlace ??= _withGaps.AddLast(state);
        while (_gaps > MaxGaps && _withGaps.First is { Value: var oldest })
        {
            oldest.Sequences.ForgetGaps();
            EndGaps(oldest);
            Change(oldest);
        }
    }

    private void EndGaps(SensorState state)
    {
        _gaps -= state.CountedGaps;
        state.CountedGaps = 0;
        if (state.GapPlace is { } place)
        {
            _withGaps.Remove(place);
            state.GapPlace = null;
        }
    }

    private void Note(SensorState state, ref Reading reading)
    {
        if (state.Latest is not { } latest)
        {
            latest = state.Latest = new LatestReading { Sensor = reading.Sensor };
            _newest.Add(state);
        }

        latest.ProducedAt = reading.ProducedAt;
        latest.FirstTimestamp = Math.Min(latest.FirstTimestamp, reading.Timestamp);
        latest.LastTimestamp = Math.Max(latest.LastTimestamp, reading.Timestamp);
        (latest.Sensor, latest.Offset, latest.Timestamp, latest.Value, latest.Level) = (reading.Sensor, reading.Offset, reading.Timestamp, reading.Value, reading.Level);
        (latest.Warning, latest.Critical, latest.ReadingCount) = (reading.Warning, reading.Critical, reading.HasCount ? reading.ReadingCount : null);
    }

    private void Change(SensorState state)
    {
        if (!state.IsChanged)
        {
            state.IsChanged = true;
            _changedSensors.Add(state);
        }
    }

    /// <param name="warning">The limit of the readings in a row, with its deadband; infinite if the level of the message alone decides.</param>
    private void Judge(SensorState state, ref Reading reading, TypeRules typeRules, double warning, double critical, Findings findings)
    {
        // While its alert is open, every reading at warning level belongs to it.
        var high = reading.Level >= AlertLevel.Warning && (state.ConsecutiveHigh >= typeRules.ConsecutiveHigh || state[Rule.ConsecutiveHigh] is not null);
        Follow(state, Rule.ConsecutiveHigh, high, reading.Value, warning, ref reading, typeRules, critical, findings);

        var step = Math.Abs(state.ValueCount > 0 ? reading.Value - state.Values[^1] : 0);
        Follow(state, Rule.RapidChange, step > typeRules.RapidChange, step, typeRules.RapidChange, ref reading, typeRules, critical, findings);

        var distance = Math.Abs(state.ValueCount == SensorState.Window ? reading.Value - MeanOf(state) : 0);
        Follow(state, Rule.BaselineDeviation, distance > typeRules.BaselineDeviation, distance, typeRules.BaselineDeviation, ref reading, typeRules, critical, findings);

        // Without a threshold, the message's own level applies.
        var violated = double.IsPositiveInfinity(critical) ? reading.Level == AlertLevel.Critical : reading.Value >= critical;
        Follow(state, Rule.CriticalThreshold, violated, reading.Value, critical, ref reading, typeRules, critical, findings);

        if (typeRules.Learning || state.Learned is not null)
        {
            JudgeByWhatIsLearned(state, ref reading, typeRules, critical, findings);
        }
    }

    private void JudgeByWhatIsLearned(SensorState state, ref Reading reading, TypeRules typeRules, double critical, Findings findings)
    {
        var learned = state.Learned ??= new LearnedBaseline();
        _deviation = typeRules.Learning ? learned.Observe(reading.Value, reading.Timestamp, typeRules, rules.LearnFor) : null;
        var isSettling = typeRules.Learning && learned.IsSettling && state[Rule.UnusualValue] is not null;
        Follow(
            state, Rule.UnusualValue, _deviation is not null || isSettling, _deviation?.Score ?? 0, double.PositiveInfinity, ref reading, typeRules, critical, findings);
        if (!typeRules.Learning && state[Rule.UnusualValue] is null)
        {
            state.Learned = null;
        }
    }

    private void Follow(
        SensorState state, Rule rule, bool holds, double measure, double limit, ref Reading reading, TypeRules typeRules, double critical, Findings findings)
    {
        var episode = state[rule];
        if (!holds)
        {
            if (episode is null)
            {
                state.Since(rule, null);
            }
            else
            {
                Leave(state, rule, episode, measure, limit, ref reading, typeRules, findings);
            }

            return;
        }

        if (episode is null)
        {
            if (!state.HoldsFor(rule, TimeOf(state, ref reading), typeRules.OnDelay))
            {
                return;
            }

            episode = state[rule] = new Episode(AlertIdOf(logId, partition, reading.Offset, rule, reading.Index)) { PeakValue = reading.Value, PeakMeasure = measure };
            _alarmed.Add(state);
            findings.Raised.Add(new RaisedAlert(episode.AlertId, rule, SeverityOf(rule, ref reading, critical), Describe(rule, state, ref reading, typeRules, critical)));
            return;
        }

        state.Since(rule, null);
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

    /// <summary>Handles a rule that no longer holds: its alert ends once the value is well within the limit, for as long as the type requires.</summary>
    private void Leave(
        SensorState state, Rule rule, Episode episode, double measure, double limit, ref Reading reading, TypeRules typeRules, Findings findings)
    {
        if (double.IsFinite(limit) && measure >= limit - typeRules.DeadbandWithin(limit, rule is Rule.RapidChange or Rule.BaselineDeviation))
        {
            state.Since(rule, null);
            return;
        }

        if (!state.HoldsFor(rule, TimeOf(state, ref reading), typeRules.OffDelay))
        {
            return;
        }

        state[rule] = null;
        episode.Changed = false;
        findings.Resolved.Add(episode);
        if (!state.HasEpisodes)
        {
            _alarmed.Remove(state);
        }
    }

    /// <summary>
    /// The time for delays, in ms: the record's; for backfilled readings, whose records are all recent, the sensor's own.
    /// </summary>
    private static long TimeOf(SensorState state, ref Reading reading) => state.IsBackfill ? reading.Timestamp / 1000 : reading.ProducedAt;

    /// <summary>Returns a UUID of version 8 (RFC 9562): 122 bits of a SHA-256 hash of everything that determines the alert.</summary>
    /// <param name="index">The reading's index in its message.</param>
    public static Guid AlertIdOf(string logId, int partition, long offset, Rule rule, int index = 0)
    {
        var name = index == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{logId}|{partition}|{offset}|{Rules.NameOf(rule)}")
            : string.Create(CultureInfo.InvariantCulture, $"{logId}|{partition}|{offset}|{Rules.NameOf(rule)}|{index}");
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }

    private static string SeverityOf(Rule rule, ref Reading reading, double critical) =>
        reading.Level == AlertLevel.Critical || reading.Value >= critical ? Severities.High
        : rule is Rule.ConsecutiveHigh or Rule.RapidChange or Rule.UnusualValue ? Severities.Medium
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

    private static string Describe(Deviation deviation, string unit)
    {
        var (low, high, now) = (deviation.Low, deviation.High, deviation.Now);
        // As many decimals as distinguish the current value from the usual range.
        var step = Math.Max((now < low ? low - now : now - high) / 4, double.Epsilon);
        var (from, to) = (NumberText.InSteps(low, step), NumberText.InSteps(high, step));
        var usual = from == to ? $"{from} {unit}" : $"{from} to {to} {unit}";
        var span = deviation.Time > TimeSpan.Zero ? Text($"{deviation.Time.TotalMinutes:0.#} min") : Text($"{deviation.Readings} readings");
        return $"{(deviation.IsOfChanges ? "Changes from reading to reading: usual" : "Usual")} {usual}{(deviation.IsOfChanges ? "" : " at this hour")}, "
            + $"now {NumberText.InSteps(now, step)} {unit}, the mean of the last {span}";
    }

    private string Describe(Rule rule, SensorState state, ref Reading reading, TypeRules typeRules, double critical)
    {
        var unit = reading.Sensor.Unit;
        var value = reading.Value;
        switch (rule)
        {
            case Rule.ConsecutiveHigh:
                return Text($"{state.ConsecutiveHigh} readings in a row at warning level or worse, the last at {NumberText.Of(value)} {unit}");
            case Rule.RapidChange:
                var before = state.Values[^1];
                return Text($"Changed by {(value > before ? "+" : "")}{NumberText.Of(value - before)} {unit} at once, from {NumberText.Of(before)} to {NumberText.Of(value)} {unit}; {NumberText.Of(typeRules.RapidChange)} {unit} are usual at most");
            case Rule.BaselineDeviation:
                var mean = MeanOf(state);
                return Text($"{NumberText.Of(value)} {unit} is {NumberText.Of(Math.Abs(value - mean))} {unit} {(value > mean ? "above" : "below")} the mean of the {SensorState.Window} readings before ({NumberText.Of(mean)} {unit}); {NumberText.Of(typeRules.BaselineDeviation)} {unit} are usual at most");
            case Rule.UnusualValue:
                return Describe(_deviation!.Value, unit);
            default:
                var (reached, threshold) = NumberText.Distinct(value, critical);
                return double.IsPositiveInfinity(critical)
                    ? Text($"{NumberText.Of(value)} {unit} is critical by the sensor's own word")
                    : Text($"{reached} {unit} has reached the critical threshold of {threshold} {unit}");
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <returns>Null if the sensor exceeds the maximum.</returns>
    private SensorState? StateOf(SensorIdentity identity)
    {
        // Avoids one hash per reading.
        if (identity.State is { } known && known.Owner == this)
        {
            return known;
        }

        if (!_sensors.TryGetValue(identity.StateId, out var state))
        {
            if (IsFull)
            {
                return null;
            }

            state = new SensorState(identity.StateId) { Owner = this };
            state.Begin(Now);
            _sensors.Add(identity.StateId, state);
        }

        return identity.State = state;
    }
}
