using System.Diagnostics;

namespace FactoryMonitoring.Benchmarks.Servers;

/// <summary>A checkout whose services are measured: the current one, or an earlier commit, built next to it.</summary>
/// <param name="Repository">The folder that holds the solution.</param>
/// <param name="Name">Name of the commit; null for the current checkout.</param>
internal sealed record Revision(string Repository, string? Name)
{
    private static readonly string[] Projects = ["Consumers", "FactoryMonitoring.Provisioner"];

    /// <summary>Checks the commit out below artifacts/ and builds it; an existing checkout is reused.</summary>
    /// <exception cref="InvalidOperationException">The commit does not exist or does not build.</exception>
    public static Revision Build(string repository, string commit)
    {
        var directory = Path.Combine(repository, "artifacts", "revisions", commit);
        if (!Directory.Exists(directory))
        {
            Run("git", "-C", repository, "worktree", "prune");
            Run("git", "-C", repository, "worktree", "add", "--detach", directory, commit);
        }

        foreach (var project in Projects)
        {
            Run("dotnet", "build", "-c", "Release", Path.Combine(directory, project), "-v", "quiet", "--nologo");
        }

        return new Revision(directory, commit);
    }

    /// <summary>Empties the database and makes this revision create its schema.</summary>
    public async Task ProvisionAsync(string logs, Brokers brokers, Postgres postgres, string topic)
    {
        if (Name is null)
        {
            await postgres.ResetAsync();
            return;
        }

        await postgres.ClearAsync();
        await using var provisioner = Services.StartProvisioner(Repository, logs, brokers, postgres, topic);
        await provisioner.WaitForExitAsync();
        await postgres.ExecuteAsync("CHECKPOINT");
    }

    private static void Run(string file, params string[] arguments)
    {
        // Standard output is reserved for the benchmark's table.
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" 1>&2", file, .. arguments]))!;
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: exit code {process.ExitCode}");
        }
    }
}
