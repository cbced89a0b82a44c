using System.Text.RegularExpressions;

namespace FactoryMonitoring.Tests.Telemetry;

/// <summary>What an undisturbed stack sends, including its start-up: no error that the dashboard would show.</summary>
public sealed partial class UndisturbedTests(StackFixture stack) : StackTest(stack)
{
    [Fact]
    public void No_span_has_failed()
    {
        Assert.NotEmpty(Stack.Undisturbed.Spans);
        Assert.Empty(Stack.Undisturbed.Spans.Where(span => span.IsError).Select(span => $"{span.Service}: {span.Name}: {string.Join(", ", span.Attributes)}"));
    }

    [Fact]
    public void No_service_warns()
    {
        Assert.Superset(StackFixture.Services.ToHashSet(), Stack.Undisturbed.Logs.Select(log => log.Service).ToHashSet());
        Assert.Empty(Stack.Undisturbed.Logs.Where(log => log.Severity is not ("Information" or "Info")).Select(log => $"{log.Service}: {log.Severity}: {log.Body}"));
    }

    [Fact]
    public void Lines_carry_the_names_of_things_as_fields()
    {
        Assert.All(Stack.Undisturbed.Logs, log =>
        {
            Assert.Matches(@"^\w+(\.\w+)+$", log.Category);
            var template = log.Attributes["{OriginalFormat}"];
            Assert.All(Placeholder().Matches(template), name => Assert.Contains(name.Value, log.Attributes.Keys));
        });

        var claims = Stack.Undisturbed.Logs.Where(log => log.Body.StartsWith("Partition ", StringComparison.Ordinal)).ToList();
        Assert.Superset(Enumerable.Range(0, 6).Select(number => Text(number)).ToHashSet(), claims.Select(log => log.Attributes["Partition"]).ToHashSet());
        Assert.All(claims, log => Assert.Equal(
            (log.Service, "sensor-processors", "sensor-data"),
            (log.Resource["consumer.id"], log.Resource["messaging.consumer.group.name"], log.Resource["messaging.destination.name"])));
        Assert.All(
            Stack.Undisturbed.Logs.Where(log => StackFixture.Sensors.Contains(log.Service)),
            log => Assert.Equal((log.Service, log.Service.Replace("-sensor", "", StringComparison.Ordinal)), (log.Resource["producer.id"], log.Resource["sensor.type"])));
    }

    [GeneratedRegex(@"(?<=\{)\w+(?=[^{}]*\})")]
    private static partial Regex Placeholder();
}
