using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Experiments;
using Npgsql;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>The newest run of each experiment, and the measurements of all runs that reached a verdict.</summary>
internal sealed record RunRecord(IReadOnlyList<ExperimentRunSummary> Newest, IReadOnlyList<ExperimentRecord> Records);

/// <summary>Reads the records of all experiments; while the database is unavailable, as in some experiments, returns the last known ones.</summary>
internal sealed class RunRecords(ExperimentStore store)
{
    private volatile RunRecord? _last;

    /// <exception cref="NpgsqlException">The database cannot be reached, and has never been reached.</exception>
    public async Task<RunRecord> ReadAsync(string? groupProtocol, string? kafkaBacking, CancellationToken cancellationToken)
    {
        try
        {
            var (newest, records) = await store.RecordsAsync(groupProtocol, kafkaBacking, cancellationToken);
            return _last = new(newest, records);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested && _last is not null)
        {
            return _last;
        }
    }
}
