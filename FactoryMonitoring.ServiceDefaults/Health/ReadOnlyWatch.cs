using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FactoryMonitoring.ServiceDefaults.Health;

/// <summary>Whether the database accepts writes, as far as this process knows. Thread-safe.</summary>
public sealed class DatabaseMode
{
    private volatile bool _isReadOnly;

    public bool IsReadOnly
    {
        get => _isReadOnly;
        set => _isReadOnly = value;
    }
}

/// <summary>
/// Detects a database that is read-only, by its setting or because it is a standby. A session keeps the setting that it began with, so the pool's sessions
/// are closed while the database is read-only, and once more when it no longer is.
/// </summary>
public sealed partial class ReadOnlyWatch(NpgsqlDataSource dataSource, DatabaseMode mode, TimeProvider time, ILogger<ReadOnlyWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var command = dataSource.CreateCommand("SELECT current_setting('transaction_read_only')::boolean");
        while (true)
        {
            try
            {
                var isReadOnly = await command.ExecuteScalarAsync(stoppingToken) is true;
                if (isReadOnly || mode.IsReadOnly)
                {
                    dataSource.Clear();
                }

                if (isReadOnly != mode.IsReadOnly)
                {
                    mode.IsReadOnly = isReadOnly;
                    Log.Changed(logger, isReadOnly ? LogLevel.Error : LogLevel.Information, isReadOnly ? "is read-only: nothing can be stored" : "takes writes again");
                }
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
            {
                // Others report that the database does not answer.
            }

            await Task.Delay(Interval, time, stoppingToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Message = "The database {Change}")]
        public static partial void Changed(ILogger logger, LogLevel level, string change);
    }
}
