using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Aspire.Hosting.Testing;
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

    [Fact]
    public async Task No_port_answers_to_another_name()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        var stackFile = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(stack.RunDirectory, "stack.json")))!;
        var control = new Uri(stackFile["url"]!.GetValue<string>());
        string[] services =
        [
            ResourceNames.MonitoringApi, ResourceNames.MonitoringWeb, ResourceNames.FaultLab, "embedded-kafka", ResourceNames.Sensor("temperature"), ResourceNames.Consumer(1),
        ];
        using var client = new HttpClient();
        async Task<HttpStatusCode> AskAsync(Uri address, string? host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address) { Headers = { Host = host, Authorization = new AuthenticationHeaderValue("Bearer", stack.Token) } };
            using var response = await client.SendAsync(request);
            return response.StatusCode;
        }

        foreach (var address in services.Select(service => new Uri(stack.App.GetEndpoint(service, "http"), "/alive")).Append(new Uri(control, "/resources")))
        {
            Assert.Equal((address, HttpStatusCode.OK), (address, await AskAsync(address, null)));
            Assert.Equal((address, HttpStatusCode.BadRequest), (address, await AskAsync(address, $"elsewhere.example:{address.Port}")));
        }
    }

    [Fact]
    public async Task An_embedded_broker_goes_down_for_the_AppHost_alone()
    {
        await stack.IsWholeAsync(TimeSpan.FromSeconds(60));
        using var client = new HttpClient { BaseAddress = stack.App.GetEndpoint("embedded-kafka", "http") };
        using var response = await client.PostAsync(new Uri("/brokers/1/down", UriKind.Relative), content: null);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    // What the process itself was started with.
    private async Task<string> EnvironmentAsync(string resource) =>
        await File.ReadAllTextAsync($"/proc/{await stack.ProcessIdAsync(resource)}/environ");
}
