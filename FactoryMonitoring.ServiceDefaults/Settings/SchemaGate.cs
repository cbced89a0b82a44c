using FactoryMonitoring.Data;
using Npgsql;

namespace FactoryMonitoring.ServiceDefaults.Settings;

/// <summary>Checks at every connection that the service knows the schema of the database, and otherwise refuses the connection.</summary>
internal sealed class SchemaGate
{
    private readonly TaskCompletionSource<NewerSchemaException> _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the schema is found to be newer than this service, which then has to stop.</summary>
    public Task<NewerSchemaException> Refused => _refused.Task;

    /// <exception cref="NpgsqlException">The schema is newer than this service.</exception>
    public async Task CheckAsync(NpgsqlConnection connection)
    {
        try
        {
            SchemaVersion.Check(await SchemaVersion.AppliedAsync(connection));
        }
        catch (NewerSchemaException exception)
        {
            _refused.TrySetResult(exception);
            throw new NpgsqlException(exception.Message, exception);
        }
    }
}
