using System.Text.Json;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.ServiceDefaults.Running;
using Microsoft.Extensions.ServiceDiscovery;

namespace FactoryMonitoring.FaultLab.Factory;

/// <summary>The factory as the monitoring API presents it, which is also what the page shows.</summary>
internal sealed class FactoryView(ServiceEndpointResolver discovery)
    : ServiceConnection("the monitoring API", $"http://{ResourceNames.MonitoringApi}", discovery)
{
    /// <summary>Gets the present snapshot.</summary>
    /// <param name="patience">The timeout of the request.</param>
    /// <returns>Null if the API does not answer in time, or has nothing to serve yet.</returns>
    public async Task<StreamSnapshot?> ReadAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            return await Client.GetFromJsonAsync(new Uri(await GetAddressAsync(limit.Token), ApiRoutes.Snapshot), ApiJson.Context.StreamSnapshot, limit.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
