using System.Text.Encodings.Web;
using System.Text.Json;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// What a second terminal needs to find and use a running stack: <c>stack.json</c> in the run directory. Only its owner can read it, and it exists only while
/// the stack runs. It is flat, with one key per line, so that a shell can read it without a JSON parser.
/// </summary>
/// <param name="Url">URL of the control endpoint.</param>
/// <param name="Token">Bearer token of the control endpoint.</param>
/// <param name="Pid">Process id of the AppHost.</param>
/// <param name="FaultLab">Empty if faults are off.</param>
/// <param name="PostgresPassword">Password of <paramref name="PostgresUser"/>, the administrator; empty if PostgreSQL is external.</param>
/// <param name="PostgresSensorPassword">Password of the sensors' role; empty if PostgreSQL is external.</param>
/// <param name="Psql">The client program that came with the server; empty if the server is a container.</param>
/// <param name="PostgresEngine">Command of the engine whose container has the volume; empty if PostgreSQL is a process.</param>
internal sealed record StackFile(
    string Url,
    string Token,
    int Pid,
    DateTimeOffset Started,
    string Kafka,
    string KafkaReason,
    string KafkaBrokers,
    string Web,
    string Api,
    string FaultLab,
    string PostgresHost,
    int PostgresPort,
    string PostgresUser,
    string PostgresPassword,
    string PostgresSensorPassword,
    string PostgresDatabase,
    string PostgresDirectory,
    string Psql,
    string PostgresEngine,
    string PostgresVolume,
    string Logs)
{
    private const string Name = "stack.json";

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public void Write(string runDirectory) => PrivateFile.Write(Path.Combine(runDirectory, Name), JsonSerializer.Serialize(this, Format) + "\n");

    public static void Remove(string runDirectory) => File.Delete(Path.Combine(runDirectory, Name));
}
