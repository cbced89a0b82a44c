using System.Globalization;
using System.Text;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>A sensor whose values have a daily course and noise, a reading every five minutes.</summary>
public sealed class LearnedBaselineTests
{
    private const int PerDay = 288;
    private const long Step = 300_000_000;

    private static readonly DetectionOptions Learning = new() { Types = { ["oven"] = new RuleOptions { Learning = true } } };

    private readonly SensorDirectory _sensors = new(1_000);
    private readonly Findings _findings = new();
    private DetectionRules _rules = new(Learning);
    private PartitionDetector _detector;
    private Random _random = new(4711);
    private long _offset;
    private long _at;

    public LearnedBaselineTests() => _detector = new PartitionDetector("log", 0, _rules);

    [Fact]
    public void A_value_that_is_not_as_usual_at_its_hour_is_one_alert_that_says_what_is_usual()
    {
        Assert.Equal([], Live(14 * PerDay));
        // 75 °C is usual at night, 95 °C at noon.
        Assert.Equal(0, HourOfDay);
        var raised = Assert.Single(Live(PerDay, add: i => i < 24 ? 20 : 0));

        Assert.Matches(@"^Usual 7[1-4] to 7[6-9] °C at this hour, now 8\d °C, the mean of the last 6 readings$", raised.Description);
        Assert.Equal((Rule.UnusualValue, Severities.Medium), (raised.Rule, raised.Severity));
        Assert.Null(State[Rule.UnusualValue]);
        Assert.Equal(AnomalyTypes.UnusualValue, Rules.NameOf(raised.Rule));
    }

    [Fact]
    public void A_day_without_its_usual_course_is_unusual()
    {
        Live(14 * PerDay);

        Assert.Single(Live(PerDay, add: _ => -Daily(_at)));
    }

    [Fact]
    public void Readings_that_change_much_more_than_they_do_are_unusual_where_their_mean_is_not()
    {
        Live(14 * PerDay);

        var raised = Assert.Single(Live(100, add: i => i % 2 == 0 ? 3 : -3));
        Assert.Matches(@"^Changes from reading to reading: usual [01](\.\d\d?)? to [01](\.\d\d?)? °C, now \d(\.\d\d?)? °C, the mean of the last 72 readings$", raised.Description);
    }

    [Fact]
    public void A_level_that_stays_is_one_alert_and_then_usual()
    {
        Live(7 * PerDay);

        Assert.Single(Live(4 * PerDay, add: _ => 15));
        Assert.Null(State[Rule.UnusualValue]);
        Assert.Equal([], Live(4 * PerDay, add: _ => 15));
    }

    [Fact]
    public void What_comes_and_goes_within_the_time_that_it_takes_to_settle_is_one_alert()
    {
        Live(14 * PerDay);

        Assert.Single(Live(10 * 40, add: i => i % 40 < 4 ? 20 : 0));
        Live(LearnedBaseline.Settled + 40);
        Assert.Null(State[Rule.UnusualValue]);
    }

    [Fact]
    public void Nothing_is_unusual_before_it_is_learned()
    {
        Assert.Equal([], Live(PerDay - 12, add: i => i % 50 == 0 ? 200 : 0));

        _rules = new DetectionRules(new DetectionOptions { LearnFor = TimeSpan.Zero, Types = { ["oven"] = new RuleOptions { Learning = true } } });
        _detector = new PartitionDetector("log", 0, _rules);
        Assert.Equal([], Live(LearnedBaseline.MinReadings));
        Assert.NotEmpty(Live(20, add: _ => 100));
    }

    [Theory]
    [InlineData(0.4)]
    [InlineData(-1.5)]
    public void A_constant_signal_that_changes_within_the_deadband_is_not_unusual(double change)
    {
        Live(7 * PerDay, value: _ => 80);

        Assert.Equal([], Live(PerDay, value: _ => 80 + change));
    }

    [Fact]
    public void A_constant_signal_that_changes_by_more_is()
    {
        Live(7 * PerDay, value: _ => 80);

        Assert.Equal("Usual 80.0 °C at this hour, now 81.7 °C, the mean of the last 6 readings", Assert.Single(Live(PerDay, value: _ => 90)).Description);
    }

    [Fact]
    public void A_signal_in_coarse_steps_is_usual()
    {
        Assert.Equal([], Live(21 * PerDay, value: i => Math.Round(Value() / 5) * 5));
    }

    [Fact]
    public void A_gap_is_not_unusual_and_readings_that_come_late_and_wrong_clocks_do_no_harm()
    {
        Live(14 * PerDay);
        _at += 3 * PerDay * Step;
        Assert.Equal([], Live(PerDay));

        // One reading is an hour old, one from the year 2200, one from 1999.
        foreach (var at in new[] { _at - (12 * Step), 6_300_000_000_000_000, -1_000_000 })
        {
            Assert.Equal([], Feed(75 + Daily(_at), at));
        }

        Assert.Equal([], Live(PerDay));
        Assert.Single(Live(24, add: _ => 20));
    }

    [Theory]
    [InlineData(9_999)]
    [InlineData(-3.4e38)]
    [InlineData(double.MaxValue)]
    public void A_value_that_stands_for_a_fault_is_unusual_and_hides_nothing_afterwards(double fault)
    {
        Live(14 * PerDay);
        Assert.Single(Feed(fault, _at += Step));
        Assert.Equal([], Live(PerDay));
        Assert.Null(State[Rule.UnusualValue]);

        Assert.Single(Live(24, add: _ => 20));
    }

    [Fact]
    public void A_signal_that_is_always_0_is_unusual_when_it_is_not()
    {
        Live(7 * PerDay, value: _ => 0);

        Assert.Single(Live(12, value: _ => 1));
    }

    [Fact]
    public void What_comes_every_second_is_watched_over_minutes_unless_each_reading_counts()
    {
        const int PerHour = 3_600;
        List<RaisedAlert> Hours(TimeSpan step, double excursion = 3)
        {
            _rules.Replace(new DetectionOptions { LearnFor = TimeSpan.Zero, Types = { ["oven"] = new RuleOptions { Learning = true, LearningStep = step } } });
            (_detector, _random) = (new PartitionDetector("log", 0, _rules), new Random(1));
            List<RaisedAlert> raised = [];
            for (var i = 0; i < 6 * PerHour; i++)
            {
                raised.AddRange(Feed(75 + _random.NextDouble() + (i % PerHour is >= 3_500 and < 3_520 ? excursion : 0), _at += 1_000_000));
            }

            return raised;
        }

        Assert.Equal([], Hours(TimeSpan.FromMinutes(10)));
        var each = Hours(TimeSpan.Zero);
        Assert.InRange(each.Count, 5, 12);
        Assert.All(each, raised => Assert.EndsWith("readings", raised.Description, StringComparison.Ordinal));
        Assert.Equal([], Hours(TimeSpan.FromMinutes(1), excursion: 0));
        var raised = Enumerable.Range(0, 600).SelectMany(_ => Feed(95, _at += 1_000_000)).ToList();
        Assert.EndsWith("°C, the mean of the last 6 min", Assert.Single(raised).Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_unit_begins_anew()
    {
        Live(14 * PerDay);
        Assert.Single(Live(6, add: _ => 40));

        Assert.Equal([], Live(PerDay - 12, value: _ => (Value() * 1.8) + 32, unit: "°F"));
        Assert.Null(State[Rule.UnusualValue]);
    }

    [Fact]
    public void What_another_partition_judges_is_not_learned_here()
    {
        Live(14 * PerDay);
        _detector.JudgeElsewhere("s", true);
        Assert.Equal([], Live(PerDay, add: _ => 100));
        _detector.JudgeElsewhere("s", false);
        Assert.Equal([], Live(PerDay));
    }

    [Fact]
    public void A_type_that_no_longer_learns_ends_its_alert_and_forgets()
    {
        Live(14 * PerDay);
        Assert.Single(Live(6, add: _ => 40));

        _rules.Replace(new DetectionOptions());
        Live(1);

        Assert.Single(_findings.Resolved);
        Assert.Null(State.Learned);
        Assert.Equal([], Live(PerDay, add: _ => 100));
        Assert.Null(State.Learned);
    }

    [Fact]
    public void Alerts_of_what_is_learned_end_with_the_sensor()
    {
        Live(14 * PerDay);
        Assert.Single(Live(6, add: _ => 40));
        _detector.Now = TimeSpan.FromHours(2);
        _at += 24 * Step;

        Assert.Equal(AlertEnds.NoData, Assert.Single(_detector.EndUnseen()).Because);
        Assert.Equal([], Live(PerDay));
    }

    [Fact]
    public void Delays_hold_for_what_is_learned_too()
    {
        _rules = new DetectionRules(new DetectionOptions { Types = { ["oven"] = new RuleOptions { Learning = true, OnDelay = TimeSpan.FromHours(1) } } });
        _detector = new PartitionDetector("log", 0, _rules);
        Live(14 * PerDay);

        Assert.Equal([], Live(12, add: _ => 20));
        Assert.Single(Live(12, add: _ => 20));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1_009)]
    public void Whoever_goes_on_from_a_snapshot_finds_what_the_first_would_have_found(int moveEvery)
    {
        List<string> Read(int moves)
        {
            (_detector, _random, _offset, _at) = (new PartitionDetector("log", 0, _rules), new Random(4711), 0, 0);
            var story = new List<string>();
            for (var i = 0; i < 5_000; i++)
            {
                if (i % moves == moves - 1)
                {
                    Move();
                }

                Feed(Value() + (i % 700 is > 600 and < 640 ? 30 : 0) - (i > 4_000 ? 20 : 0), _at += Step);
                story.AddRange(_findings.Raised.Select(raised => $"{raised.AlertId} {raised.Description}"));
                story.AddRange(_findings.Resolved.Select(episode => string.Create(CultureInfo.InvariantCulture, $"{episode.AlertId} {episode.Occurrences} {episode.PeakValue:R} {episode.PeakMeasure:R}")));
            }

            return story;
        }

        var undisturbed = Read(int.MaxValue);

        Assert.True(undisturbed.Count > 8, $"{undisturbed.Count}");
        Assert.Equal(undisturbed, Read(moveEvery));
    }

    [Fact]
    public void It_takes_as_much_memory_after_a_year_as_after_a_reading()
    {
        Live(SensorState.Window);
        var least = DetectorSnapshot.Write(_detector).Length;
        Live(365 * PerDay);

        // Only the numbers of readings and intervals have become longer.
        Assert.InRange(DetectorSnapshot.Write(_detector).Length, least, least + 16);
        Assert.InRange(least, 200, 400);
    }

    [Fact]
    public void Where_nothing_is_learned_the_memory_is_written_as_earlier_consumers_read_it()
    {
        Live(PerDay);
        Assert.Equal(5, DetectorSnapshot.Write(_detector)[0]);
        Move();
        Assert.NotNull(State.Learned);

        _rules.Replace(new DetectionOptions());
        Live(1);
        Assert.Equal(4, DetectorSnapshot.Write(_detector)[0]);
        Move();
        Assert.Null(State.Learned);
    }

    [Fact]
    public void A_snapshot_that_ends_within_what_is_learned_is_refused()
    {
        Live(PerDay);
        var bytes = DetectorSnapshot.Write(_detector);

        Assert.Throws<InvalidDataException>(() => DetectorSnapshot.Read([bytes[..^40]], new PartitionDetector("log", 0, _rules)));
    }

    [Fact]
    public async Task The_setting_is_read_anew_and_what_is_not_allowed_leaves_the_rules_as_they_are()
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection().Build();
        using var reload = new RulesReload(settings, _rules, [new TypeSettings(settings)], [new DetectionOptionsValidator()], NullLogger<RulesReload>.Instance);
        await reload.StartAsync(default);
        foreach (var (value, isLearning) in new[] { ("false", false), ("true", true), ("perhaps", true), ("", false) })
        {
            settings["Detection:Types:oven:Learning"] = value;
            settings.Reload();
            Assert.Equal($"{value} {isLearning}", $"{value} {_rules.Of("oven", "°C").Learning}");
        }

        settings["Detection:Types:oven:Learning"] = "true";
        settings["Detection:LearnFor"] = "400.00:00:00";
        settings.Reload();
        Assert.False(_rules.Of("oven", "°C").Learning);
    }

    [Fact]
    public async Task A_change_is_told_once_however_often_its_file_is_seen_to_change()
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection().Build();
        var told = new ToldLog();
        using var reload = new RulesReload(settings, _rules, [new TypeSettings(settings)], [new DetectionOptionsValidator()], told);
        await reload.StartAsync(default);

        settings.Reload();
        Assert.Empty(told.Lines);
        foreach (var value in (string[])["true", "perhaps", "false"])
        {
            settings["Detection:Types:oven:Learning"] = value;
            settings.Reload();
            settings.Reload();
        }

        Assert.Equal(["Information", "Warning", "Information"], told.Lines.Select(line => line.Split(':')[0]));
    }

    private sealed class ToldLog : ILogger<RulesReload>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel}: {formatter(state, exception)}");
    }

    [Theory]
    [InlineData("Learning", "perhaps", "Detection:Types:oven:Learning = perhaps: must be true or false")]
    [InlineData("CriticalThreshold", "hot", "Failed to convert configuration value 'hot' at 'Detection:Types:oven:CriticalThreshold' to type 'System.Double'.")]
    public void A_value_of_a_type_that_cannot_be_read_is_refused(string setting, string value, string message)
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection([new($"Detection:Types:oven:{setting}", value)]).Build();

        Assert.Equal(message, Assert.ThrowsAny<Exception>(() => new TypeSettings(settings).PostConfigure(null, new DetectionOptions())).Message);
    }

    [Fact]
    public void Readings_that_no_longer_change_are_unusual()
    {
        Live(14 * PerDay, add: _ => _random.NextDouble() * 10);

        var raised = Assert.Single(Live(PerDay / 2, value: _ => 80));
        Assert.StartsWith("Changes from reading to reading: usual ", raised.Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-00:00:01")]
    [InlineData("01:00:01")]
    public void A_step_has_limits(string time)
    {
        var options = new DetectionOptions { Types = { ["oven"] = new RuleOptions { LearningStep = TimeSpan.Parse(time, CultureInfo.InvariantCulture) } } };

        Assert.Equal($"Detection:Types:oven:LearningStep = {time}: must be between 00:00:00 and 01:00:00", Assert.Single(new DetectionOptionsValidator().Validate(null, options).Failures!));
    }

    [Theory]
    [InlineData("-00:00:01")]
    [InlineData("30.00:00:01")]
    public void How_long_is_learned_has_limits(string time)
    {
        var result = new DetectionOptionsValidator().Validate(null, new DetectionOptions { LearnFor = TimeSpan.Parse(time, CultureInfo.InvariantCulture) });

        Assert.Equal($"Detection:LearnFor = {time}: must be between 00:00:00 and 30.00:00:00", Assert.Single(result.Failures!));
    }

    private SensorState State => _detector.Find("s")!;

    private int HourOfDay => (int)(_at / Step % PerDay / 12);

    /// <summary>0 at midnight, 20 at noon.</summary>
    private static double Daily(long at) => 10 - (10 * Math.Cos(2 * Math.PI * (at / (double)Step) / PerDay));

    private double Value() => 75 + Daily(_at) + ((_random.NextDouble() - 0.5) * 2);

    /// <returns>The alerts raised.</returns>
    private List<RaisedAlert> Live(int readings, Func<int, double>? add = null, Func<int, double>? value = null, string unit = "°C")
    {
        var raised = new List<RaisedAlert>();
        for (var i = 0; i < readings; i++)
        {
            _at += Step;
            raised.AddRange(Feed(value?.Invoke(i) ?? (Value() + (add?.Invoke(i) ?? 0)), _at, unit));
        }

        return raised;
    }

    private List<RaisedAlert> Feed(double value, long at, string unit = "°C")
    {
        var text = new SensorText { Id = "s"u8, Type = "oven"u8, Unit = Encoding.UTF8.GetBytes(unit) };
        var reading = new Reading
        {
            Sensor = _sensors.Find(text) ?? _sensors.Add(text),
            Offset = _offset++,
            ProducedAt = at / 1_000,
            Timestamp = at,
            Value = value,
            Warning = double.NaN,
            Critical = double.NaN,
        };
        _detector.Process(ref reading, _findings);
        return [.. _findings.Raised];
    }

    private void Move()
    {
        var successor = new PartitionDetector("log", 0, _rules);
        DetectorSnapshot.Read([DetectorSnapshot.Write(_detector)], successor);
        _detector = successor;
    }
}
