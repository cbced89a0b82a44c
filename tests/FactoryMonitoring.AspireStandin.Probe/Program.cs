using System.Collections;
using System.Globalization;

// A service that tells what it was given, and ends as it is told.
Console.WriteLine($"probe {Environment.ProcessId} {string.Join(' ', args)}");
if (Environment.GetEnvironmentVariable("PROBE_EXIT") is { } code)
    return int.Parse(code, CultureInfo.InvariantCulture);

var builder = WebApplication.CreateBuilder(args);
var app = builder.Build();
var healthy = Environment.GetEnvironmentVariable("PROBE_HEALTHY_FROM");
app.MapGet("/environment", () => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
    .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value));
app.MapGet("/health", () => healthy is null || File.Exists(healthy) ? Results.Ok() : Results.StatusCode(503));
app.MapPost("/exit/{code:int}", (int code) => Environment.Exit(code));
await app.RunAsync();
return 0;
