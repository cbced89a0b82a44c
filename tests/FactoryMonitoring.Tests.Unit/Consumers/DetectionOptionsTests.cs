using FactoryMonitoring.Consumers.Detection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.Tests.Unit.Consumers;

/// <summary>Contradictory thresholds prevent a start, and leave the rules unchanged while a consumer runs.</summary>
public sealed class DetectionOptionsTests
{
    [Theory]
    [InlineData("oven", 80.0, 70.0, "Detection:Types:oven:WarningThreshold = 80: must be at most CriticalThreshold, which is 70")]
    [InlineData("temperature", 41.5, null, "Detection:Types:temperature:WarningThreshold = 41.5: must be at most CriticalThreshold, which is 40 by default; set both")]
    [InlineData("Temperature", null, 30.0, "Detection:Types:Temperature:CriticalThreshold = 30: must be at least WarningThreshold, which is 35 by default; set both")]
    [InlineData("oven", double.NaN, null, "Detection:Types:oven:WarningThreshold = NaN, CriticalThreshold = (not set): must be numbers")]
    public void Thresholds_the_wrong_way_round_are_one_line(string type, double? warning, double? critical, string message)
    {
        var options = new DetectionOptions { Types = { [type] = new RuleOptions { WarningThreshold = warning, CriticalThreshold = critical } } };

        Assert.Equal([message], new DetectionOptionsValidator().Validate(null, options).Failures!);
    }

    [Fact]
    public async Task While_it_runs_they_are_told_and_the_rules_stay_as_they_are()
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection().Build();
        var (rules, told) = (new DetectionRules(new DetectionOptions()), new ToldLog());
        using var reload = new RulesReload(settings, rules, [new TypeSettings(settings), new ThresholdVariables(settings)], [new DetectionOptionsValidator()], told);
        await reload.StartAsync(default);
        settings["Detection:Types:oven:WarningThreshold"] = "70";
        settings["Detection:Types:oven:CriticalThreshold"] = "80";
        settings.Reload();
        settings["Detection:Types:oven:WarningThreshold"] = "90";
        settings.Reload();

        Assert.Equal((70, 80), (rules.Of("oven", "°C").Warning, rules.Of("oven", "°C").Critical));
        Assert.Equal("The settings have changed and are not valid, keeping the detector's rules: Detection:Types:oven:WarningThreshold = 90: must be at most CriticalThreshold, which is 80", told.Lines[^1]);

        settings["Detection:Types:oven:WarningThreshold"] = "75";
        settings.Reload();
        Assert.Equal(75, rules.Of("oven", "°C").Warning);
    }

    private sealed class ToldLog : ILogger<RulesReload>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }

    [Theory]
    [InlineData("oven", 70.0, 80.0)]
    [InlineData("oven", 70.0, 70.0)]
    [InlineData("oven", 70.0, null)]
    [InlineData("temperature", 50.0, 60.0)]
    [InlineData("temperature", null, 36.0)]
    public void Others_are_allowed(string type, double? warning, double? critical) => Assert.True(new DetectionOptionsValidator().Validate(
        null, new DetectionOptions { Types = { [type] = new RuleOptions { WarningThreshold = warning, CriticalThreshold = critical } } }).Succeeded);
}
