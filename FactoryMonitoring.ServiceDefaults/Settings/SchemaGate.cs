using FactoryMonitoring.Data;
using Npgsql;

namespace FactoryMonitoring.ServiceDefaults.Settings;

/// <summary>Lets a service have connections only to a database whose schema it knows, whenever it connects.</summary>
internal sealed class SchemaGate
{
    private readonly TaskCompletionSource<NewerSchemaException> _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the schema turned out to be newer than this service, which has to stop.</summary>
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
