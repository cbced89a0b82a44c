using Microsoft.Extensions.Configuration;

// An AppHost for tests: what it builds is in its configuration before its first line.
var builder = DistributedApplication.CreateBuilder(args);
if (builder.Configuration["Fail"] is { } reason)
{
    Console.Error.WriteLine(reason);
    return 3;
}

var store = builder.AddExecutable("store", "/bin/sh", ".", "-c", "trap 'echo stopped; exit 0' TERM; echo $$; sleep 300 & wait");
builder.AddProject<Projects.FactoryMonitoring_AspireStandin_Probe>("probe", launchProfileName: null)
    .WithHttpEndpoint()
    .WithEnvironment("PROBE_MARKER", builder.Configuration["Marker"])
    .WithHttpHealthCheck("/health")
    .WaitForStart(store);
if (builder.Configuration.GetValue("Stubborn", false))
    builder.AddExecutable("stubborn", "/bin/sh", ".", "-c", "trap '' TERM; while :; do sleep 1; done");

await builder.Build().RunAsync();
return 0;
