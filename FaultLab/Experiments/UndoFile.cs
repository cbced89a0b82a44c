using System.Text.Json;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.FaultLab.Control;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>
/// Keeps the commands that undo the present run in a file, which can be read even while the database is down. Nothing is kept if no file is set.
/// </summary>
internal sealed class UndoFile(IOptions<ControlOptions> options)
{
    private readonly string? _path = options.Value.UndoFile;

    /// <exception cref="IOException">The file cannot be written. The same applies to <see cref="UnauthorizedAccessException"/>.</exception>
    public void Write(IReadOnlyCollection<ControlCommand> commands)
    {
        if (_path is not null)
        {
            File.WriteAllLines(_path, commands.Select(command => JsonSerializer.Serialize(command, ControlJson.Context.ControlCommand)));
        }
    }

    /// <returns>The commands; empty if no run was in progress.</returns>
    public IReadOnlyList<ControlCommand> Read()
    {
        try
        {
            return File.Exists(_path) ? [.. File.ReadLines(_path).Select(line => JsonSerializer.Deserialize(line, ControlJson.Context.ControlCommand)!)] : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            // The commands are also stored in the database.
            return [];
        }
    }

    public void Delete()
    {
        if (_path is not null)
        {
            File.Delete(_path);
        }
    }
}
