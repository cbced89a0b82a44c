using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Keeps every command in the audit log: those of the control endpoint, and Aspire's own.</summary>
/// <param name="connectionString">Of the database.</param>
internal sealed class AuditRecorder(Func<CancellationToken, ValueTask<string?>> connectionString, TimeProvider time, AuditQueue queue) : LifetimeService
{
    // A command of the control endpoint executes Aspire's.
    private readonly AsyncLocal<bool> _isRecorded = new();

    /// <summary>From here on the caller, and what it awaits, executes Aspire's commands on behalf of one that it records itself.</summary>
    public void BeginCommand() => _isRecorded.Value = true;

    /// <summary>Records what Aspire's dashboard, command line or MCP server has done, unless it did so for a command that is recorded already.</summary>
    public void AddFromAspire(ResourceAction action, string resource)
    {
        if (!_isRecorded.Value) Add(new(0, time.GetUtcNow(), ExitLog.Aspire, null, null, new ResourceCommand(resource, action).ToString(), true, $"{resource}: {action.Past()}"));
    }

    /// <summary>Records an entry.</summary>
    public void Add(AuditEntry entry) => queue.Add(entry);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var dataSource = SeveralHosts.CreateDataSource(new NpgsqlConnectionStringBuilder(await connectionString(stoppingToken))
        {
            ApplicationName = "apphost", MaxPoolSize = 1, Timeout = 3, CommandTimeout = 3,
        });
        await queue.RunAsync(dataSource, stoppingToken);
    }
}
