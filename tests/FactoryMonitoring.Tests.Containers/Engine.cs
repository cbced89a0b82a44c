using System.Diagnostics;

namespace FactoryMonitoring.Tests.Containers;

/// <summary>The container engine, used by its command line as at a terminal.</summary>
internal static class Engine
{
    public static Task<string> DockerAsync(CancellationToken cancellationToken, params string[] arguments) =>
        RunAsync("docker", arguments, new Dictionary<string, string>(), cancellationToken);

    /// <summary>Runs a command until it exits and returns its standard output.</summary>
    /// <exception cref="InvalidOperationException">The exit code is not 0; the message has the whole output.</exception>
    public static async Task<string> RunAsync(
        string file, string[] arguments, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{file} does not start");
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: exit code {process.ExitCode}: {await output}{await error}");
    }
}
