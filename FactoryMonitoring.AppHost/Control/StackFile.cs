using System.Text.Encodings.Web;
using System.Text.Json;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Control;

/// <summary>
/// What a second terminal needs to find and use a running stack: <c>stack.json</c> in the run directory, for its owner's eyes alone, there only while the
/// stack runs. Flat and one key a line, so that a shell can read it without help.
/// </summary>
/// <param name="Url">Of the control endpoint.</param>
/// <param name="Token">Its bearer token.</param>
/// <param name="Pid">Of the AppHost.</param>
/// <param name="FaultLab">Empty where faults are off.</param>
/// <param name="PostgresPassword">Of <paramref name="PostgresUser"/>, the administrator; empty where PostgreSQL is somebody else's.</param>
/// <param name="PostgresSensorPassword">Of the sensors' role; empty where PostgreSQL is somebody else's.</param>
/// <param name="Psql">The client program that came with the server; empty where that is a container.</param>
/// <param name="PostgresEngine">Command of the engine whose container has the volume; empty where PostgreSQL is a process.</param>
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
