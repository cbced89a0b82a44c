using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Consumers.Ingestion.Dialects;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class PartitionDetectorTests
{
    private const string LogId = "log";
    private static readonly DetectionRules Catalog = new(new DetectionOptions());

    private readonly ReadingParser _parser = new(new SensorDirectory(1_000), new KeyMemory(), new DialectReader(new MessagesOptions()));
    private readonly Findings _findings = new();
    private PartitionDetector _detector = new(LogId, 3, Catalog);
    private long _offset;

    [Fact]
    public void The_third_reading_at_warning_raises_one_alert_until_a_normal_one_resolves_it()
    {
        Assert.Equal([], Feed(36));
        Assert.Equal([], Feed(36));
        Assert.Equal([AnomalyTypes.ConsecutiveHigh], Feed(36));
        Assert.Equal("3 readings in a row at warning level or worse, the last at 36 °C", _findings.Raised[0].Description);
        Assert.Equal(Severities.Medium, _findings.Raised[0].Severity);
        var id = _findings.Raised[0].AlertId;
        Assert.Equal([], Feed(37));
        Assert.Equal([], Feed(36.5));

        Assert.Equal([], Feed(30));

        var resolved = Assert.Single(_findings.Resolved);
        Assert.Equal((id, 3L, 37.0), (resolved.AlertId, resolved.Occurrences, resolved.PeakValue));
    }

    [Theory]
    [InlineData("vibration", "mm/s", 5.5, 2)]
    [InlineData("humidity", "%", 61, 4)]
    [InlineData("energy", "kW", 151, 3)]
    public void Types_differ_in_how_many_readings_make_a_row(string type, string unit, double value, int row)
    {
        for (var i = 1; i < row; i++)
        {
            Assert.Equal([], Feed(value, type, unit));
        }

        Assert.Equal([AnomalyTypes.ConsecutiveHigh], Feed(value, type, unit));
    }

    [Fact]
    public void A_step_larger_than_the_types_raises_an_alert_that_the_next_small_step_resolves()
    {
        Assert.Equal([], Feed(25));
        Assert.Equal([], Feed(35.0 - 0.5));
        Assert.Equal([AnomalyTypes.RapidChange], Feed(20));
        Assert.Equal("Changed by -14.5 °C at once, from 34.5 to 20 °C; 10 °C are usual at most", _findings.Raised[0].Description);
        Assert.Equal([], Feed(20));
        Assert.Single(_findings.Resolved);
    }

    [Fact]
    public void A_distance_from_the_mean_of_the_four_before_raises_an_alert()
    {
        foreach (var value in new[] { 30.0, 22, 14, 6 })
        {
            Assert.Equal([], Feed(value));
        }

        Assert.Equal([AnomalyTypes.BaselineDeviation], Feed(2));
        Assert.Equal("2 °C is 16 °C below the mean of the 4 readings before (18 °C); 15 °C are usual at most", _findings.Raised[0].Description);
        Assert.Equal(Severities.Low, _findings.Raised[0].Severity);
    }

    [Fact]
    public void A_critical_reading_raises_with_high_severity()
    {
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(40));
        Assert.Equal((Severities.High, "40 °C has reached the critical threshold of 40 °C"), (_findings.Raised[0].Severity, _findings.Raised[0].Description));
    }

    [Fact]
    public void Thresholds_of_the_message_win()
    {
        Assert.Equal([], Feed(42, thresholds: ",\"warning_threshold\":50,\"critical_threshold\":60"));
        Assert.Equal([AnomalyTypes.RapidChange, AnomalyTypes.CriticalThreshold], Feed(61, thresholds: ",\"warning_threshold\":50,\"critical_threshold\":60"));
    }

    [Fact]
    public void A_configured_threshold_wins_over_the_catalogs()
    {
        _detector = new PartitionDetector(LogId, 3, new DetectionRules(new DetectionOptions { Types = { ["temperature"] = new RuleOptions { CriticalThreshold = 30 } } }));

        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(31));
    }

    [Fact]
    public void An_unknown_type_has_the_thresholds_of_its_messages_alone()
    {
        Assert.Equal([], Feed(1e6, "gas", "ppm"));
        Assert.Equal([], Feed(-1e6, "gas", "ppm"));
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(11, "gas", "ppm", ",\"critical_threshold\":10"));
    }

    [Fact]
    public void An_alerts_id_depends_on_the_log_and_the_place_in_it_alone()
    {
        var id = PartitionDetector.AlertIdOf("log", 1, 2, Rule.RapidChange);

        Assert.Equal(id, PartitionDetector.AlertIdOf("log", 1, 2, Rule.RapidChange));
        Assert.Equal(8, id.Version);
        // The id for the first reading of a message is the same as before messages could hold several readings.
        Assert.Equal(Guid.Parse("817bb67a-fc86-8eee-96c4-cf0147031280"), id);
        Assert.Equal(7, new[]
        {
            id,
            PartitionDetector.AlertIdOf("other", 1, 2, Rule.RapidChange),
            PartitionDetector.AlertIdOf("log", 2, 2, Rule.RapidChange),
            PartitionDetector.AlertIdOf("log", 1, 3, Rule.RapidChange),
            PartitionDetector.AlertIdOf("log", 1, 2, Rule.CriticalThreshold),
            PartitionDetector.AlertIdOf("log", 1, 2, Rule.RapidChange, index: 1),
            PartitionDetector.AlertIdOf("log", 1, 2, Rule.RapidChange, index: 2),
        }.Distinct().Count());
    }

    [Fact]
    public void Readings_that_swing_about_a_threshold_are_one_alert()
    {
        var raised = new List<string>();
        for (var i = 0; i < 40; i++)
        {
            raised.AddRange(Feed(i % 2 == 0 ? 40.1 : 39.9));
            Assert.Empty(_findings.Resolved);
        }

        // All forty values are at a warning level; twenty of them are critical.
        Assert.Equal([AnomalyTypes.CriticalThreshold, AnomalyTypes.ConsecutiveHigh], raised);
        Feed(39.4);
        Assert.Empty(_findings.Resolved);
        Feed(39.39);
        Assert.Equal((20L, 40.1), (Assert.Single(_findings.Resolved).Occurrences, _findings.Resolved[0].PeakValue));
        Feed(34.5);
        Assert.Empty(_findings.Resolved);
        Feed(35.1);
        Feed(34.3);
        Assert.Equal(41L, Assert.Single(_findings.Resolved).Occurrences);
    }

    [Theory]
    [InlineData(0.1, 37.1, 36.9)]
    [InlineData(0, 40, 39.99)]
    public void The_deadband_is_a_share_of_the_types_range(double deadband, double within, double beyond)
    {
        _detector = new PartitionDetector(LogId, 3, new DetectionRules(new DetectionOptions { Types = { ["temperature"] = new RuleOptions { Deadband = deadband, ConsecutiveHigh = 1000 } } }));
        Feed(41);
        Feed(within);
        Assert.Empty(_findings.Resolved);
        Feed(beyond);
        Assert.Single(_findings.Resolved);
    }

    [Fact]
    public void Without_a_range_the_deadband_is_a_share_of_the_limit()
    {
        const string Limit = ",\"critical_threshold\":200";
        Feed(200, "gas", "ppm", Limit);
        Feed(196.1, "gas", "ppm", Limit);
        Assert.Empty(_findings.Resolved);
        Feed(195.9, "gas", "ppm", Limit);
        Assert.Single(_findings.Resolved);
    }

    [Fact]
    public void Delays_count_by_the_times_of_the_records_and_outlive_the_consumer()
    {
        var rules = new DetectionRules(new DetectionOptions
        {
            Types = { ["temperature"] = new RuleOptions { OnDelay = TimeSpan.FromSeconds(5), OffDelay = TimeSpan.FromSeconds(10), ConsecutiveHigh = 1000, RapidChange = 1e9 } },
        });
        _detector = new PartitionDetector(LogId, 3, rules);
        Assert.Equal([], Feed(41, at: 1_000));
        Assert.Equal([], Feed(20, at: 3_000));
        Assert.Equal([], Feed(41, at: 5_000));
        Move();
        Assert.Equal([], Feed(42, at: 9_999));
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(43, at: 10_000));

        Feed(20, at: 20_000);
        Feed(41, at: 29_000);
        Feed(20, at: 30_000);
        Move();
        Feed(20, at: 39_999);
        Assert.Empty(_findings.Resolved);

        // A clock that is set back restarts the delay.
        Feed(20, at: 25_000);
        Feed(20, at: 34_999);
        Assert.Empty(_findings.Resolved);
        Feed(20, at: 35_000);
        Assert.Equal((2L, 43.0), (Assert.Single(_findings.Resolved).Occurrences, _findings.Resolved[0].PeakValue));

        void Move()
        {
            var successor = new PartitionDetector(LogId, 3, rules);
            DetectorSnapshot.Read([DetectorSnapshot.Write(_detector)], successor);
            _detector = successor;
        }
    }

    [Theory]
    [InlineData("°F", 103.9, 104.1)]
    [InlineData("F", 103.9, 104)]
    [InlineData("degC", 39.9, 40.1)]
    [InlineData("K", 313.1, 313.2)]
    public void Rules_hold_in_the_types_unit_whatever_the_unit_of_a_message(string unit, double normal, double critical)
    {
        Feed(normal, unit: unit);
        Assert.Empty(_findings.Raised);
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(critical, unit: unit));
    }

    [Theory]
    [InlineData("pressure", "bar", 1.0449, 1.0451)]
    [InlineData("pressure", "mbar", 1044, 1046)]
    [InlineData("pressure", "kPa", 104.4, 104.6)]
    [InlineData("energy", "W", 179_000, 181_000)]
    [InlineData("vibration", "m/s", 0.0049, 0.0071)]
    public void So_they_do_for_other_types(string type, string unit, double normal, double critical)
    {
        Feed(normal, type, unit);
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(critical, type, unit));
        var (reached, threshold) = NumberText.Distinct(critical, new DetectionRules(new DetectionOptions()).Of(type, unit).Critical);
        Assert.NotEqual(reached, threshold);
        Assert.Equal($"{reached} {unit} has reached the critical threshold of {threshold} {unit}", _findings.Raised[0].Description);
    }

    [Fact]
    public void Steps_and_distances_are_converted_without_the_units_zero()
    {
        // 10 °C are 18 °F.
        Feed(60, unit: "°F");
        Assert.Equal([], Feed(77.9, unit: "°F"));
        Assert.Equal([AnomalyTypes.RapidChange], Feed(59, unit: "°F"));
    }

    [Fact]
    public void A_sensor_that_changes_its_unit_makes_no_step()
    {
        foreach (var celsius in new[] { 25.0, 25, 25, 25 }) Assert.Equal([], Feed(celsius));
        var successor = new PartitionDetector(LogId, 3, Catalog);
        DetectorSnapshot.Read([DetectorSnapshot.Write(_detector)], successor);
        _detector = successor;
        Assert.Equal([], Feed(77, unit: "°F"));
        Assert.Equal([], Feed(25));
    }

    [Fact]
    public void A_unit_that_cannot_be_converted_leaves_the_messages_own_thresholds()
    {
        Assert.Equal([], Feed(1e6, unit: "V"));
        Assert.Equal([], Feed(0, unit: "V"));
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(5, unit: "V", thresholds: ",\"critical_threshold\":4.9"));
    }

    [Fact]
    public void A_type_of_ones_own_has_unit_range_and_rules_by_configuration()
    {
        _detector = new PartitionDetector(LogId, 3, new DetectionRules(new DetectionOptions
        {
            Types = { ["voltage"] = new RuleOptions { Unit = "V", Minimum = 0, Maximum = 400, WarningThreshold = 245, CriticalThreshold = 253, RapidChange = 20, ConsecutiveHigh = 9 } },
        }));
        Assert.Equal([], Feed(252, "voltage", "V"));
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(0.2531, "voltage", "kV"));
        Assert.Equal([], Feed(245.1, "voltage", "V"));
        Assert.Empty(_findings.Resolved);
        Assert.Equal([], Feed(244.9, "voltage", "V"));
        Assert.Single(_findings.Resolved);
    }

    [Fact]
    public void Rules_that_are_replaced_hold_from_the_next_reading_on()
    {
        var rules = new DetectionRules(new DetectionOptions());
        _detector = new PartitionDetector(LogId, 3, rules);
        Assert.Equal([], Feed(31));
        rules.Replace(new DetectionOptions { Types = { ["temperature"] = new RuleOptions { CriticalThreshold = 30 } } });
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(31));
    }

    [Fact]
    public void Whoever_goes_on_from_a_snapshot_finds_what_the_first_would_have_found()
    {
        var random = new Random(4711);
        var values = Enumerable.Range(0, 2_000).Select(i => Math.Round(25 + (12 * Math.Sin(i / 9.0)) + (random.NextDouble() * 8), 2)).ToArray();
        List<string> Read(int moveEvery)
        {
            _detector = new PartitionDetector(LogId, 3, Catalog);
            _offset = 0;
            var story = new List<string>();
            for (var i = 0; i < values.Length; i++)
            {
                if (i % moveEvery == moveEvery - 1)
                {
                    var successor = new PartitionDetector(LogId, 3, Catalog);
                    DetectorSnapshot.Read([DetectorSnapshot.Write(_detector)], successor);
                    _detector = successor;
                }

                Feed(values[i], count: i);
                story.AddRange(_findings.Raised.Select(raised => $"{raised.AlertId} {raised.Description}"));
                story.AddRange(_findings.Resolved.Select(episode => $"{episode.AlertId} {episode.Occurrences} {episode.PeakValue}"));
            }

            return story;
        }

        var undisturbed = Read(int.MaxValue);

        Assert.NotEmpty(undisturbed);
        Assert.Equal(undisturbed, Read(1));
        Assert.Equal(undisturbed, Read(37));
    }

    [Fact]
    public void A_snapshot_of_another_version_or_a_damaged_one_is_refused()
    {
        Feed(25);
        var bytes = DetectorSnapshot.Write(_detector);

        Assert.Throws<InvalidDataException>(() => DetectorSnapshot.Read([[99, .. bytes[1..]]], _detector));
        Assert.Throws<InvalidDataException>(() => DetectorSnapshot.Read([bytes[..^3]], _detector));
        // The last is a sensor's time, which is more than there is.
        Assert.Throws<InvalidDataException>(() => DetectorSnapshot.Read([[.. bytes[..^1], .. Enumerable.Repeat((byte)0xFF, 8), 0x7F]], _detector));
    }

    [Fact]
    public void The_same_number_twice_is_a_duplicate()
    {
        Feed(25, count: 5);
        Assert.False(_findings.Duplicate);

        Feed(25, count: 5);

        Assert.True(_findings.Duplicate);
    }

    [Fact]
    public void Alerts_of_a_sensor_that_is_silent_for_long_end_and_no_others()
    {
        Feed(45);
        _detector.Now = TimeSpan.FromMinutes(9);
        Assert.Empty(_detector.EndUnseen());
        _detector.Now = TimeSpan.FromMinutes(11);

        Assert.Single(_detector.EndUnseen());
        Assert.Empty(_detector.EndUnseen());
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(45));
    }

    [Fact]
    public void A_sensor_that_sends_every_hour_is_not_silent_within_it()
    {
        for (var hour = 0; hour < 3; hour++)
        {
            _detector.Now = TimeSpan.FromHours(hour);
            Feed(45, at: hour * 3_600_000L);
        }

        _detector.Now += TimeSpan.FromMinutes(59);
        Assert.Empty(_detector.EndUnseen());
        _detector.Now += TimeSpan.FromHours(5);
        Assert.NotEmpty(_detector.EndUnseen());
    }

    [Fact]
    public void A_backlog_that_is_read_at_once_says_nothing_about_a_sensors_interval()
    {
        for (var i = 0; i < 20; i++) Feed(25, at: i * 60_000L);

        Assert.Equal(60, _detector.Find("s")!.Interval.TotalSeconds, 0);
    }

    [Fact]
    public void What_another_partition_judges_is_not_judged_here_and_its_alerts_end()
    {
        Feed(45);
        Feed(45, sensor: "other");
        _detector.JudgeElsewhere("s", true);

        Assert.Equal(AlertEnds.OtherPartition, Assert.Single(_detector.EndUnseen()).Because);
        Assert.Equal([], Feed(46));
        _detector = Successor([DetectorSnapshot.Write(_detector)]);
        Assert.Equal([], Feed(46));
        _detector.JudgeElsewhere("s", false);
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(46));
    }

    [Fact]
    public void Silence_goes_on_over_the_owners_of_a_partition()
    {
        Feed(45);
        Feed(20, sensor: "other");
        _detector.Now += TimeSpan.FromMinutes(4);
        var stored = Write();
        _detector.Settle();
        _detector.Now += TimeSpan.FromMinutes(4);
        Feed(20, sensor: "other");
        stored.Add(DetectorSnapshot.WriteChanges(_detector));

        _detector = Successor(stored, TimeSpan.FromHours(3));
        Assert.Equal(TimeSpan.FromMinutes(8), _detector.Now - _detector.Find("s")!.SeenAt);
        Assert.Equal(TimeSpan.Zero, _detector.Now - _detector.Find("other")!.SeenAt);
        _detector = Successor(Write(), TimeSpan.FromSeconds(1));
        _detector.Now += TimeSpan.FromMinutes(3);

        Assert.Equal(AlertEnds.NoData, Assert.Single(_detector.EndUnseen()).Because);
    }

    [Fact]
    public void Silence_begins_with_the_owner_where_a_consumer_of_before_has_written_the_memory()
    {
        Feed(45);
        _detector.Now += TimeSpan.FromMinutes(9);
        // What is new is the age of the memory and of the sensor's newest reading: 540 s, and 0 s.
        var written = DetectorSnapshot.Write(_detector);
        var ofBefore = written[..^3];

        _detector = Successor([ofBefore], TimeSpan.FromMinutes(1));
        Assert.Equal(_detector.Now, _detector.Find("s")!.SeenAt);
        _detector = Successor([written, ofBefore], TimeSpan.FromMinutes(1));
        Assert.Equal(_detector.Now, _detector.Find("s")!.SeenAt);
    }

    [Fact]
    public void Sensors_beyond_the_limit_are_not_judged_until_silent_ones_have_made_room()
    {
        _detector = new PartitionDetector(LogId, 3, new DetectionRules(new DetectionOptions { MaxSensorsPerPartition = 2 }));
        Feed(25, sensor: "a");
        Feed(45, sensor: "b");
        Write();

        Assert.Equal([], Feed(45, sensor: "c"));
        Assert.True(_findings.Unjudged);
        Assert.Equal([AnomalyTypes.RapidChange, AnomalyTypes.CriticalThreshold], Feed(45, sensor: "a"));
        Assert.False(_findings.Unjudged);

        _detector.Now = TimeSpan.FromMinutes(11);
        Feed(45, sensor: "a");
        _detector.EndUnseen();
        _detector.Newest.ForEach(state => state.Latest = null);
        _detector.MakeRoom();

        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(45, sensor: "c"));
        Assert.Equal([], Feed(46, sensor: "b"));
        Assert.True(_findings.Unjudged);
        Assert.Equal(["a", "c"], Successor(Write()).Sensors.Select(state => Encoding.UTF8.GetString(state.Id)).Order());
    }

    [Fact]
    public void Records_that_are_weeks_apart_keep_no_sensor_and_no_alert_for_longer_than_two_days()
    {
        const long Month = 29L * 86_400_000;
        _detector = new PartitionDetector(LogId, 3, new DetectionRules(new DetectionOptions { MaxSensorsPerPartition = 2 }));
        Feed(45, sensor: "a", at: 1);
        Feed(45, sensor: "a", at: 1 + Month);
        Feed(25, sensor: "b", at: 1);
        Feed(25, sensor: "b", at: 1 + Month);
        _detector.Newest.ForEach(state => state.Latest = null);

        _detector.Now = TimeSpan.FromDays(2);
        Assert.Empty(_detector.EndUnseen());
        _detector.Now += TimeSpan.FromSeconds(1);
        Assert.All(_detector.EndUnseen(), ended => Assert.Equal(AlertEnds.NoData, ended.Because));
        _detector.MakeRoom();

        Assert.Empty(_detector.Sensors);
    }

    [Fact]
    public void Gaps_are_remembered_up_to_a_number_and_those_of_the_sensor_that_has_had_them_longest_are_forgotten_first()
    {
        const int Gaps = 60, Sensors = (PartitionDetector.MaxGaps / Gaps) + 50;
        for (var sensor = 0; sensor < Sensors; sensor++)
        {
            for (var gap = 0; gap <= Gaps; gap++)
            {
                Feed(25, sensor: $"s{sensor}", count: 2 * gap);
            }
        }

        Assert.InRange(_detector.Gaps, PartitionDetector.MaxGaps - (2 * Gaps), PartitionDetector.MaxGaps);
        Assert.Equal(_detector.Gaps, _detector.Sensors.Sum(state => state.Sequences.GapCount));
        // What is forgotten is unknown, not present: the database has the word.
        Assert.Equal([(0L, 2L * Gaps - 1)], _detector.Find("s0")!.Sequences.Unseen(null, 0, 2 * Gaps));
        Assert.Equal(Gaps, _detector.Find($"s{Sensors - 1}")!.Sequences.Unseen(null, 0, 2 * Gaps).Count());

        var successor = Successor(Write());
        Assert.Equal(_detector.Gaps, successor.Gaps);
        foreach (var state in successor.Sensors.ToList())
        {
            successor.Forget(state.Id);
        }

        Assert.Equal(0, successor.Gaps);
    }

    [Fact]
    public void A_sensor_that_is_forgotten_and_comes_back_before_the_memory_is_written_is_remembered()
    {
        _detector = new PartitionDetector(LogId, 3, new DetectionRules(new DetectionOptions { MaxSensorsPerPartition = 2 }));
        Feed(25, sensor: "a");
        Feed(25, sensor: "b");
        var stored = Write();
        _detector.Settle();

        _detector.Now = TimeSpan.FromMinutes(11);
        _detector.Newest.ForEach(state => state.Latest = null);
        _detector.MakeRoom();
        Feed(26, sensor: "a");
        stored.Add(DetectorSnapshot.WriteChanges(_detector));

        Assert.Equal(["a"], Successor(stored).Sensors.Select(state => Encoding.UTF8.GetString(state.Id)));
        Assert.Equal(Remembered(_detector), Remembered(Successor(stored)));
    }

    [Fact]
    public void A_detector_that_is_not_used_any_more_is_not_kept_by_the_sensors_it_has_seen()
    {
        var reference = See();
        _detector = new PartitionDetector(LogId, 3, Catalog);
        GC.Collect();

        Assert.False(reference.IsAlive);
        // The parser still knows the sensor.
        GC.KeepAlive(_parser);

        [MethodImpl(MethodImplOptions.NoInlining)]
        WeakReference See()
        {
            Feed(25);
            _detector.End();
            return new WeakReference(_detector);
        }
    }

    [Fact]
    public void The_whole_and_its_changes_are_what_is_remembered_and_what_was_not_confirmed_is_written_again()
    {
        var random = new Random(11);
        _detector = new PartitionDetector(LogId, 3, Catalog);
        var stored = new List<byte[]>();
        var schedule = new SnapshotSchedule([], TimeProvider.System);
        var (wholes, changes) = (0, 0);
        for (var i = 0; i < 400; i++)
        {
            for (var n = random.Next(i == 0 ? 200 : 12); n >= 0; n--)
            {
                Feed(20 + (random.NextDouble() * 30), sensor: $"s{random.Next(200)}", count: random.Next(50));
            }

            _detector.Now += TimeSpan.FromSeconds(1);
            var row = schedule.Next(3, _offset, _detector);
            if (random.Next(10) == 0)
            {
                continue; // its transaction was rolled back
            }

            schedule.Confirm();
            if (!row.IsChange)
            {
                stored.Clear();
            }

            (wholes, changes) = row.IsChange ? (wholes, changes + 1) : (wholes + 1, changes);
            stored.Add(row.State);
            if (i % 20 == 0)
            {
                Assert.Equal(Remembered(_detector), Remembered(Successor(stored)));
            }
        }

        Assert.True(changes > 2 * wholes, $"{wholes} wholes, {changes} changes");
    }

    [Fact]
    public void What_is_large_is_written_less_often()
    {
        var schedule = new SnapshotSchedule([], TimeProvider.System);
        Feed(25);
        schedule.Next(3, _offset, _detector);
        Assert.True(SpinWait.SpinUntil(() => schedule.IsDue, TimeSpan.FromSeconds(1)));
        for (var i = 0; i < 30_000; i++)
        {
            Feed(25, sensor: $"s{i}");
        }

        Assert.True(schedule.Next(3, _offset, _detector).State.Length > 1_500_000);
        Assert.False(schedule.IsDue);
    }

    [Fact]
    public void Sensors_that_come_back_are_known_as_long_as_few_others_came_meanwhile()
    {
        var directory = new SensorDirectory(10);
        var parser = new ReadingParser(directory, new KeyMemory(), new DialectReader(new MessagesOptions()));
        SensorDescription Sensor(string id)
        {
            Assert.Equal(Rejection.None, parser.Parse(Encoding.UTF8.GetBytes(
                $$"""{"timestamp":"2025-09-16T21:41:41Z","sensor_id":"{{id}}","sensor_type":"temperature","value":1,"unit":"°C"}""")));
            return parser.Reading.Sensor;
        }

        var first = Sensor("first");
        for (var i = 0; i < 1_000; i++)
        {
            Assert.Equal($"other{i}", Sensor($"other{i}").Identity.Name);
            Assert.True(directory.Count <= 20);
            if (i % 8 == 0)
            {
                Assert.Same(first, Sensor("first"));
            }
        }

        Assert.Same(first.Type, Sensor("another").Type);
    }

    [Theory]
    // A deadband of 0.6, 8 and 2.25: wider than the limit, or as wide.
    [InlineData("temperature", "°C", 0.5, null, null, 20, 21)]
    [InlineData("voltage", "V", 5.0, 400.0, null, 230, 240)]
    [InlineData("vibration", "mm/s", 0.2, null, 0.3, 1, 2)]
    public void A_step_below_half_its_limit_ends_the_alert_whatever_the_deadband(string type, string unit, double rapidChange, double? maximum, double? deadband, double first, double second)
    {
        var rules = new RuleOptions { Unit = unit, RapidChange = rapidChange, Minimum = maximum is null ? null : 0, Maximum = maximum, Deadband = deadband };
        _detector = new PartitionDetector(LogId, 3, new DetectionRules(new DetectionOptions { Types = { [type] = rules } }));
        Feed(first, type, unit);
        Assert.Equal([AnomalyTypes.RapidChange], Feed(second, type, unit));
        Feed(second, type, unit);
        Assert.Single(_findings.Resolved);
    }

    [Fact]
    public void A_distance_below_half_its_limit_ends_the_alert_whatever_the_deadband()
    {
        _detector = new PartitionDetector(LogId, 3, new DetectionRules(new DetectionOptions { Types = { ["vibration"] = new RuleOptions { Deadband = 0.3, RapidChange = 100 } } }));
        foreach (var value in new[] { 1.0, 1, 1, 1 })
        {
            Feed(value, "vibration", "mm/s");
        }

        Assert.Equal([AnomalyTypes.BaselineDeviation], Feed(3.5, "vibration", "mm/s"));
        var resolved = 0;
        for (var i = 0; i < 5; i++)
        {
            Feed(1.5, "vibration", "mm/s");
            resolved += _findings.Resolved.Count;
        }

        Assert.Equal(1, resolved);
    }

    [Fact]
    public void An_alert_of_a_threshold_near_the_lower_end_of_the_range_ends()
    {
        var rules = new RuleOptions { Unit = "V", Minimum = 0, Maximum = 400, CriticalThreshold = 5 };
        _detector = new PartitionDetector(LogId, 3, new DetectionRules(new DetectionOptions { Types = { ["voltage"] = rules } }));
        Assert.Equal([AnomalyTypes.CriticalThreshold], Feed(6, "voltage", "V"));
        Feed(3, "voltage", "V");
        Assert.Empty(_findings.Resolved);
        Feed(2, "voltage", "V");
        Assert.Single(_findings.Resolved);
    }

    [Fact]
    public void An_alert_by_the_levels_of_messages_without_a_threshold_ends_with_a_normal_one()
    {
        Assert.Equal([], FeedLevel(37, "warning"));
        Assert.Equal([], FeedLevel(37, "warning"));
        Assert.Equal([AnomalyTypes.ConsecutiveHigh], FeedLevel(37, "warning"));
        Assert.Equal([], FeedLevel(37, "normal"));
        Assert.Single(_findings.Resolved);
    }

    [Fact]
    public void The_level_of_a_message_decides_where_it_has_no_critical_threshold()
    {
        Assert.Equal([AnomalyTypes.CriticalThreshold], FeedLevel(-3, "critical"));
        Assert.Equal(Severities.High, _findings.Raised[0].Severity);
        Assert.Equal([], FeedLevel(-3, "normal"));
        Assert.Single(_findings.Resolved);

        _detector = new PartitionDetector(LogId, 3, Catalog);
        Assert.Equal([], FeedLevel(180, "normal"));
        Assert.Equal([AnomalyTypes.CriticalThreshold], FeedLevel(180, "normal", ",\"metadata\":{\"critical_threshold\":170}"));
    }

    [Fact]
    public void The_deadband_applies_to_messages_with_a_level_and_a_threshold()
    {
        for (var i = 0; i < 3; i++)
        {
            FeedLevel(50.5, "warning", ",\"metadata\":{\"warning_threshold\":50}");
        }

        FeedLevel(49.9, "normal", ",\"metadata\":{\"warning_threshold\":50}");
        Assert.Empty(_findings.Resolved);
        FeedLevel(45, "normal", ",\"metadata\":{\"warning_threshold\":50}");
        Assert.Contains(_findings.Resolved, episode => episode.Occurrences == 1);
    }

    private List<byte[]> Write() => [DetectorSnapshot.Write(_detector)];

    private static PartitionDetector Successor(IEnumerable<byte[]> snapshots, TimeSpan now = default)
    {
        var successor = new PartitionDetector(LogId, 3, Catalog) { Now = now };
        DetectorSnapshot.Read(snapshots, successor);
        return successor;
    }

    private static IEnumerable<string> Remembered(PartitionDetector detector) => detector.Sensors
        .Select(state => string.Create(CultureInfo.InvariantCulture,
            $"{Encoding.UTF8.GetString(state.Id)} [{string.Join(' ', state.Values.ToArray())}] {state.ConsecutiveHigh} {(long)state.Interval.TotalMilliseconds} {Episodes(state)} {string.Join(' ', state.Sequences.All.Select(sequence => $"{sequence.Account.Floor}-{sequence.Account.Last} less {sequence.Account.Gaps.Count}"))}"))
        .Order(StringComparer.Ordinal);

    private static string Episodes(SensorState state) =>
        string.Join(' ', Enumerable.Range(0, Rules.Count).Select(rule => state[(Rule)rule] is { } episode ? $"{episode.AlertId}:{episode.Occurrences}" : "-"));

    private List<string> FeedLevel(double value, string level, string metadata = "")
    {
        var message = string.Create(
            CultureInfo.InvariantCulture, $"{{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"s\",\"sensor_type\":\"temperature\",\"value\":{value},\"unit\":\"°C\",\"alert_level\":\"{level}\"{metadata}}}");
        Assert.Equal(Rejection.None, _parser.Parse(Encoding.UTF8.GetBytes(message)));
        var reading = _parser.Reading;
        reading.Offset = _offset++;
        _detector.Process(ref reading, _findings);
        return [.. _findings.Raised.Select(raised => Rules.NameOf(raised.Rule))];
    }

    private List<string> Feed(double value, string type = "temperature", string unit = "°C", string thresholds = "", long? count = null, string sensor = "s", long at = 0)
    {
        var number = (count ?? _offset).ToString(CultureInfo.InvariantCulture);
        var message = string.Create(CultureInfo.InvariantCulture,
            $"{{\"timestamp\":\"2025-09-16T21:41:41Z\",\"sensor_id\":\"{sensor}\",\"sensor_type\":\"{type}\",\"value\":{value},\"unit\":\"{unit}\",\"metadata\":{{\"reading_count\":{number}{thresholds}}}}}");
        Assert.Equal(Rejection.None, _parser.Parse(Encoding.UTF8.GetBytes(message)));
        var reading = _parser.Reading;
        reading.Offset = _offset++;
        reading.ProducedAt = at;
        _detector.Process(ref reading, _findings);
        return [.. _findings.Raised.Select(raised => Rules.NameOf(raised.Rule))];
    }
}
