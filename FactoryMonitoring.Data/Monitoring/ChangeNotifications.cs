using FactoryMonitoring.Contracts;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>Listens to the notifications on <see cref="ResourceNames.ChangeChannel"/>.</summary>
public sealed class ChangeNotifications(NpgsqlDataSource dataSource)
{
    private const string Listen = $"LISTEN {ResourceNames.ChangeChannel}";

    private const string Probe = "SELECT 1";

    // A connection that broke silently would never deliver a notification again.
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromSeconds(10);

    /// <summary>Calls <paramref name="changed"/> once at the start, and then on every notification, until cancelled.</summary>
    /// <exception cref="NpgsqlException">The connection could not be made, or was lost.</exception>
    public async Task ListenAsync(Action changed, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        connection.Notification += (_, _) => changed();
        await ExecuteAsync(connection, Listen, cancellationToken);
        changed();
        while (true)
        {
            if (!await connection.WaitAsync(ProbeEvery, cancellationToken))
            {
                await ExecuteAsync(connection, Probe, cancellationToken);
            }
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
