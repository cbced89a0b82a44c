using System.Net;
using System.Net.Sockets;
using System.Text;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.FaultLab.Control;
using FactoryMonitoring.FaultLab.Factory;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.ServiceDiscovery;

namespace FactoryMonitoring.Tests.Unit.FaultLab;

/// <summary>A service that is killed in the middle of its answer has not answered; it ends no run of the fault lab.</summary>
public sealed class CutAnswerTests : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public CutAnswerTests()
    {
        _listener.Start();
        _ = AnswerAsync();
    }

    private string Address => $"http://{_listener.LocalEndpoint}";

    public void Dispose()
    {
        _listener.Dispose();
        _limit.Dispose();
    }

    [Fact]
    public async Task Of_the_monitoring_API()
    {
        var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([new($"services:{ResourceNames.MonitoringApi}:http:0", Address)]).Build())
            .AddLogging().AddServiceDiscovery();
        await using var provider = services.BuildServiceProvider();
        using var view = new FactoryView(provider.GetRequiredService<ServiceEndpointResolver>());

        Assert.Null(await view.ReadAsync(TimeSpan.FromSeconds(10), _limit.Token));
    }

    [Fact]
    public async Task Of_the_AppHost()
    {
        using var client = new ControlClient(Options.Create(new ControlOptions { Url = new Uri(Address), Token = "token" }));

        Assert.Null(await client.FaultsAsync(_limit.Token));
    }

    private async Task AnswerAsync()
    {
        using var connection = await _listener.AcceptTcpClientAsync(_limit.Token);
        var stream = connection.GetStream();
        await stream.ReadExactlyAsync(new byte[16], _limit.Token);
        await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"), _limit.Token);
        connection.Client.Shutdown(SocketShutdown.Send);
        // Closes only when the client has: a reset would not be the end of an answer.
        await stream.CopyToAsync(Stream.Null, _limit.Token);
    }
}
