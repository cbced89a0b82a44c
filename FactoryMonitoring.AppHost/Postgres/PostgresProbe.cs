using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>Asks the database for something that needs no table.</summary>
internal sealed class PostgresProbe(FactoryDatabase database) : IHealthCheck
{
    private const int Seconds = 3;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await AskAsync(cancellationToken) is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy();

    /// <summary>Returns what is wrong; null when the database answers.</summary>
    public async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(await database.At(database.Port).GetValueAsync(cancellationToken))
        {
            Timeout = Seconds,
            CommandTimeout = Seconds,
            Pooling = false,
            ApplicationName = "apphost",
        };
        try
        {
            await using var connection = new NpgsqlConnection(settings.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SELECT 1", connection);
            await command.ExecuteScalarAsync(cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            return exception.InnerException is { } inner ? $"{exception.Message}: {inner.Message}" : exception.Message;
        }
    }
}
