using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.FaultLab.Control;

/// <summary>Writes to the audit log who began a run. Entries wait while the database does not answer: the run may be what stopped it.</summary>
internal sealed class AuditWriter(AuditStore store, AuditQueue queue, NpgsqlDataSource dataSource) : BackgroundService
{
    /// <summary>Writes an entry, whether or not the requester waits for it.</summary>
    public async Task WriteAsync(AuditEntry entry)
    {
        try
        {
            await store.WriteAsync(entry, CancellationToken.None);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            queue.Add(entry);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => queue.RunAsync(dataSource, stoppingToken);
}
