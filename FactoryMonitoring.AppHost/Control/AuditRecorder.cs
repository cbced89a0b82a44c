using System.Threading.Channels;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Monitoring;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Keeps every command in the audit log: those of the control endpoint, and Aspire's own. What cannot be written waits: the command may have been to end the database.</summary>
/// <param name="connectionString">Of the database.</param>
internal sealed partial class AuditRecorder(Func<CancellationToken, ValueTask<string?>> connectionString, TimeProvider time, ILogger<AuditRecorder> logger) : LifetimeService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // A command of the control endpoint executes Aspire's.
    private readonly AsyncLocal<bool> _isTakenDown = new();

    private readonly Channel<AuditEntry> _entries = Channel.CreateBounded<AuditEntry>(10_000);

    /// <summary>From here on the caller, and what it awaits, executes Aspire's commands on behalf of one that it takes down itself.</summary>
    public void BeginCommand() => _isTakenDown.Value = true;

    /// <summary>Takes down what Aspire's dashboard, command line or MCP server has done, unless it did so for a command that is taken down already.</summary>
    public void AddFromAspire(ResourceAction action, string resource)
    {
        if (!_isTakenDown.Value) Add(new(0, time.GetUtcNow(), ExitLog.Aspire, null, null, new ResourceCommand(resource, action).ToString(), true, $"{resource}: {action.Past()}"));
    }

    /// <summary>Takes an entry down.</summary>
    public void Add(AuditEntry entry)
    {
        if (!_entries.Writer.TryWrite(entry)) Log.Unwritten(logger, entry.Act, entry.Who, "the database was away for too long");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var dataSource = SeveralHosts.CreateDataSource(new NpgsqlConnectionStringBuilder(await connectionString(stoppingToken))
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
