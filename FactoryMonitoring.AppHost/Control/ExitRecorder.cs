using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Monitoring;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// Stores process exits in the database, so that the pages show the true time and cause of a kill. An exit that cannot be written is written later: the
/// database itself may have exited, and at a first start its tables do not exist yet.
/// </summary>
/// <param name="connectionString">The connection string of the database.</param>
internal sealed partial class ExitRecorder(ExitLog exits, Func<CancellationToken, ValueTask<string?>> connectionString, TimeProvider time, ILogger<ExitRecorder> logger) : LifetimeService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var dataSource = SeveralHosts.CreateDataSource(new NpgsqlConnectionStringBuilder(await connectionString(stoppingToken))
        {
            ApplicationName = "apphost", MaxPoolSize = 1, Timeout = 3, CommandTimeout = 3,
        });
        var store = new ComponentExitStore(dataSource);
        await foreach (var exit in exits.WatchAsync(stoppingToken))
        {
            while (!await TryWriteAsync(store, exit, stoppingToken)) await Task.Delay(RetryAfter, time, stoppingToken);
        }
    }

    private async Task<bool> TryWriteAsync(ComponentExitStore store, ResourceExit exit, CancellationToken cancellationToken)
    {
        try
        {
            await store.WriteAsync(new(exit.Resource, exit.At, exit.ExitCode, exit.Cause, exit.By), cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            Log.Unwritten(logger, exit.Resource, exception.Message);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Cannot write the end of {Resource}, retrying: {Reason}")]
        public static partial void Unwritten(ILogger logger, string resource, string reason);
    }
}
