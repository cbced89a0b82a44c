using System.Threading.Channels;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Keeps every command of the control endpoint in the audit log. What cannot be written waits: the command may have been to end the database.</summary>
/// <param name="connectionString">Of the database.</param>
internal sealed partial class AuditRecorder(Func<CancellationToken, ValueTask<string?>> connectionString, TimeProvider time, ILogger<AuditRecorder> logger) : LifetimeService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Channel<AuditEntry> _entries = Channel.CreateBounded<AuditEntry>(10_000);

    /// <summary>Takes an entry down.</summary>
    public void Add(AuditEntry entry)
    {
        if (!_entries.Writer.TryWrite(entry)) Log.Unwritten(logger, entry.Act, entry.Who, "the database was away for too long");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var dataSource = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(await connectionString(stoppingToken))
        {
            ApplicationName = "apphost", MaxPoolSize = 1, Timeout = 3, CommandTimeout = 3,
        });
        var store = new AuditStore(dataSource);
        await foreach (var entry in _entries.Reader.ReadAllAsync(stoppingToken))
        {
            while (!await TryWriteAsync(store, entry, stoppingToken)) await Task.Delay(RetryAfter, time, stoppingToken);
        }
    }

    private static async Task<bool> TryWriteAsync(AuditStore store, AuditEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            await store.WriteAsync(entry, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Not in the audit log: {Act} by {Who}, because {Reason}")]
        public static partial void Unwritten(ILogger logger, string act, string who, string reason);
    }
}
