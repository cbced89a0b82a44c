using FactoryMonitoring.Contracts.Control;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Stores the exits of processes, so that their marks outlive the AppHost's memory.</summary>
public sealed class ComponentExitStore(NpgsqlDataSource dataSource)
{
    private const string Insert =
        "INSERT INTO component_exits (component_id, at, exit_code, cause, asked_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

    /// <summary>Writes the exit, unless it is already stored.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task WriteAsync(ComponentExitRow exit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(exit);
        await using var command = dataSource.CreateCommand(Insert);
        command.Parameters.Add(Parameters.Text(exit.ComponentId));
        command.Parameters.Add(Parameters.Timestamp(exit.At));
        command.Parameters.Add(Parameters.Integer(exit.ExitCode));
        command.Parameters.Add(Parameters.Text(WireName.Of(exit.Cause)));
        command.Parameters.Add(Parameters.Text(exit.AskedBy));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
