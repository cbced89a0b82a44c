using System.Text.Json;
using FactoryMonitoring.Contracts.Control;
using FactoryMonitoring.FaultLab.Control;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>
/// What has to be undone of the present run, where it can be read while the database is what is broken. Nothing is kept where no file is set.
/// </summary>
internal sealed class UndoFile(IOptions<ControlOptions> options)
{
    private readonly string? _path = options.Value.UndoFile;

    /// <exception cref="IOException">It cannot be written. The same holds for <see cref="UnauthorizedAccessException"/>.</exception>
    public void Write(IReadOnlyCollection<ControlCommand> commands)
    {
        if (_path is not null)
        {
            File.WriteAllLines(_path, commands.Select(command => JsonSerializer.Serialize(command, ControlJson.Context.ControlCommand)));
        }
    }

    /// <returns>Empty where no run was under way.</returns>
    public IReadOnlyList<ControlCommand> Read()
    {
        try
        {
            return File.Exists(_path) ? [.. File.ReadLines(_path).Select(line => JsonSerializer.Deserialize(line, ControlJson.Context.ControlCommand)!)] : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            // The database knows it, too.
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
