using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Stack;

/// <summary>Who can command the AppHost: whoever holds the token of its control endpoint.</summary>
[Collection(EmbeddedCollection.Name)]
public sealed class TokenTests(EmbeddedStack stack)
{
    [Fact]
    public async Task The_fault_lab_alone_holds_the_token()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        string[] services =
        [
            ResourceNames.MonitoringApi, ResourceNames.MonitoringWeb, .. SensorCatalog.Types.Keys.Select(ResourceNames.Sensor), .. Enumerable.Range(1, 3).Select(ResourceNames.Consumer),
        ];

        Assert.Contains(stack.Token, await EnvironmentAsync(ResourceNames.FaultLab), StringComparison.Ordinal);
        foreach (var service in services)
        {
            var environment = await EnvironmentAsync(service);
            Assert.DoesNotContain(stack.Token, environment, StringComparison.Ordinal);
            Assert.DoesNotContain("Factory__Control__", environment, StringComparison.Ordinal);
        }
    }

    // What the process itself was started with.
    private async Task<string> EnvironmentAsync(string resource) =>
        await File.ReadAllTextAsync($"/proc/{await stack.ProcessIdAsync(resource)}/environ");
}
