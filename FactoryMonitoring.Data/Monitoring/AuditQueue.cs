using System.Threading.Channels;
using FactoryMonitoring.Contracts.Api;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Writes entries to the audit log in the background. Entries that cannot be written wait: the command may have been to stop the database.</summary>
public sealed partial class AuditQueue(TimeProvider time, ILogger<AuditQueue> logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Channel<AuditEntry> _entries = Channel.CreateBounded<AuditEntry>(10_000);

    /// <summary>Queues an entry, and logs it instead if the queue is full.</summary>
    public void Add(AuditEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (!_entries.Writer.TryWrite(entry)) Log.Unwritten(logger, entry.Act, entry.Who);
    }

    /// <summary>Writes entries until cancelled.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task RunAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        var store = new AuditStore(dataSource);
        await foreach (var entry in _entries.Reader.ReadAllAsync(cancellationToken))
        {
            var failed = false;
            while (await TryWriteAsync(store, entry, cancellationToken) is { } problem)
            {
                if (!failed) Log.Failed(logger, problem);
                failed = true;
                await Task.Delay(RetryAfter, time, cancellationToken);
            }
        }
    }

    private static async Task<string?> TryWriteAsync(AuditStore store, AuditEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            await store.WriteAsync(entry, cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            return exception.Message;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Not written to the audit log, after too long without the database: {Act} by {Who}")]
        public static partial void Unwritten(ILogger logger, string act, string who);

        [LoggerMessage(LogLevel.Warning, "Cannot write to the audit log: {Problem}. Retrying every second")]
        public static partial void Failed(ILogger logger, string problem);
    }
}
