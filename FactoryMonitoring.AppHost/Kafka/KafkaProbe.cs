using System.Buffers.Binary;
using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>
/// Asks a broker which requests it supports (ApiVersions, version 0, of the Kafka protocol). An open port proves little: a broker that is starting, or that has
/// lost its controllers, accepts connections but does not answer.
/// </summary>
internal sealed class KafkaProbe(int port) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    // Length, api key 18, version 0, correlation id, no client id.
    private static readonly byte[] ApiVersionsRequest = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await AskAsync(port, cancellationToken) is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy();

    /// <summary>Returns what is wrong; null when the broker answers.</summary>
    public static async Task<string?> AskAsync(int port, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(KafkaClusterResource.Host, port, patience.Token);
            await client.GetStream().WriteAsync(ApiVersionsRequest, patience.Token);
            var head = new byte[10];
            await client.GetStream().ReadExactlyAsync(head, patience.Token);
            var error = BinaryPrimitives.ReadInt16BigEndian(head.AsSpan(8));
            return error == 0 ? null : $"port {port} answers with error {error}";
        }
        catch (SocketException exception)
        {
            return $"port {port}: {exception.SocketErrorCode}";
        }
        catch (IOException)
        {
            return $"port {port} closes the connection";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"port {port} does not answer";
        }
    }
}
