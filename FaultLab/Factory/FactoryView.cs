using System.Text.Json;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.FaultLab.Factory;

/// <summary>The factory as the monitoring API sees it, which is what people see on the page.</summary>
internal sealed class FactoryView(IHttpClientFactory clients)
{
    public const string Client = "monitoring-api";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The present moment.</summary>
    /// <returns>Null where the API does not answer, or has nothing to serve yet.</returns>
    public async Task<StreamSnapshot?> LookAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        using var api = clients.CreateClient(Client);
        try
        {
            return await api.GetFromJsonAsync(new Uri(ApiRoutes.Snapshot, UriKind.Relative), ApiJson.Context.StreamSnapshot, limit.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
