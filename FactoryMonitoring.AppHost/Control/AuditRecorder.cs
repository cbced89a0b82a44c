using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Monitoring;
using Npgsql;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>Keeps every command in the audit log: the commands of the control endpoint and those of Aspire.</summary>
/// <param name="connectionString">The connection string of the database.</param>
internal sealed class AuditRecorder(Func<CancellationToken, ValueTask<string?>> connectionString, TimeProvider time, AuditQueue queue) : LifetimeService
{
    // A command of the control endpoint executes an Aspire command, which must not be recorded a second time.
    private readonly AsyncLocal<bool> _isRecorded = new();

    /// <summary>Marks the caller, and what it awaits: the Aspire commands that it executes from here on belong to a command that it records.</summary>
    public void BeginCommand() => _isRecorded.Value = true;

    /// <summary>Records an action of Aspire's dashboard, command line or MCP server, unless it belongs to a command that is already recorded.</summary>
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
