using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.AppHost.Setup;

/// <summary>A container engine that answers, identified by its command: the engine that Aspire uses, too.</summary>
internal sealed record ContainerEngine(string Command)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ActPatience = TimeSpan.FromMinutes(1);

    /// <summary>Finds the engine.</summary>
    /// <exception cref="SetupException">No engine answers.</exception>
    public static ContainerEngine Find(IConfiguration configuration)
    {
        var forced = configuration["ASPIRE_CONTAINER_RUNTIME"] ?? configuration["DOTNET_ASPIRE_CONTAINER_RUNTIME"];
        string[] commands = string.IsNullOrEmpty(forced) ? ["docker", "podman"] : [forced];
        // The client alone proves nothing: it also exists on machines without a running engine.
        return commands.Where(command => Commands.Output(command, "info") is not null).Select(command => new ContainerEngine(command)).FirstOrDefault()
            ?? throw new SetupException($"no container engine answers ({string.Join(", ", commands.Select(command => command + " info"))})");
    }

    /// <summary>Runs a command that changes something, which can take long on a busy machine.</summary>
    /// <returns>Whether it succeeded.</returns>
    public bool Does(params IEnumerable<string> arguments) => Commands.Run(Command, ActPatience, arguments) is { ExitCode: 0 };

    /// <summary>Ensures that the image is on this machine; pulls it once if it is missing.</summary>
    /// <exception cref="SetupException">The image is not available; the message quotes the engine.</exception>
    public ContainerImage EnsureImage(string image)
    {
        if (Commands.Output(Command, "image", "inspect", image) is null)
        {
            Console.WriteLine($"Fetching the image {image} with {Command} (once)");
            var (code, _, said) = Commands.Run(Command, Patience, "pull", "--quiet", image)
                ?? throw new SetupException($"the image {image} cannot be had: {Command} cannot be run");
            if (code is null)
                throw new SetupException($"the image {image} cannot be had: {Command} pull does not end within {Patience.TotalMinutes:F0} min");
            if (code != 0)
                throw new SetupException($"the image {image} cannot be had: {said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault()}");
        }
        return new ContainerImage(this, image);
    }

    /// <summary>Follows the standard output and standard error of a container, from its beginning until it exits.</summary>
    public async IAsyncEnumerable<IReadOnlyList<string>> LogAsync(string container, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var lines = Channel.CreateUnbounded<string>();
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(Command, ["logs", "--follow", container]) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        process.OutputDataReceived += Add;
        process.ErrorDataReceived += Add;
        process.Start();
        try
        {
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            // Completes once both outputs have been read to their end.
            _ = process.WaitForExitAsync(cancellationToken).ContinueWith(_ => lines.Writer.Complete(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            while (await lines.Reader.WaitToReadAsync(cancellationToken))
            {
                var read = new List<string>();
                while (lines.Reader.TryRead(out var line)) read.Add(line);
                yield return read;
            }
        }
        finally
        {
            process.Kill();
        }

        void Add(object sender, DataReceivedEventArgs read)
        {
            if (read.Data is { } line) lines.Writer.TryWrite(line);
        }
    }

    /// <summary>The file of all volumes that the stack of that run directory has used, one line each: the engine's command and the volume's name.</summary>
    public static string VolumesFile(string runDirectory) => Path.Combine(runDirectory, "volumes");

    /// <summary>Returns the volumes that the stack of that run directory has used, by the engine's command.</summary>
    public static ILookup<string, string> Volumes(string runDirectory) =>
        (File.Exists(VolumesFile(runDirectory)) ? File.ReadAllLines(VolumesFile(runDirectory)) : []).Select(line => line.Split(' ')).ToLookup(words => words[0], words => words[^1]);

    /// <summary>Returns the name of the volume on which a part of the stack of that run directory keeps its data.</summary>
    public static string Volume(string runDirectory, string part) =>
        $"factory-monitoring-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(runDirectory)))[..12]}-{part}";
}

/// <summary>An image that is on this machine.</summary>
internal sealed record ContainerImage(ContainerEngine Engine, string Reference)
{
    public override string ToString() => $"{Reference} by {Engine.Command}";
}

internal static class ContainerImageExtensions
{
    /// <summary>Runs the image, pinned by its digest if its reference has one. A registry that the resource specifies is not prepended.</summary>
    public static IResourceBuilder<T> WithImage<T>(this IResourceBuilder<T> builder, ContainerImage image)
        where T : ContainerResource =>
        image.Reference.Split("@sha256:") is [var tagged, var digest]
            ? builder.WithImage(tagged).WithImageRegistry(null).WithImageSHA256(digest)
            : builder.WithImage(image.Reference).WithImageRegistry(null);
}
