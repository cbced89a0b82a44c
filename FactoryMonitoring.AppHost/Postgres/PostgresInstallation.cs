using System.Globalization;
using System.Text.RegularExpressions;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>The server binaries of a PostgreSQL installation.</summary>
internal sealed partial record PostgresInstallation(string Bin, string Version)
{
    public const int Least = 15;

    public int Major => int.Parse(Version.Split('.')[0], CultureInfo.InvariantCulture);

    /// <summary>Chooses the binaries: those of the version that wrote the data if there are data, else the newest.</summary>
    /// <param name="installations">The installations found.</param>
    /// <param name="dataVersion">Major version of the data directory; null if there is none yet.</param>
    /// <exception cref="SetupException">No installation fits; the message has the remedy.</exception>
    public static PostgresInstallation Choose(IReadOnlyCollection<PostgresInstallation> installations, int? dataVersion, string dataDirectory)
    {
        if (installations.Count == 0)
            throw new SetupException("No PostgreSQL server binaries (initdb, postgres) were found: install PostgreSQL (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17), or set PG_BIN to their directory.");
        if (dataVersion is { } wanted)
        {
            return installations.FirstOrDefault(found => found.Major == wanted) ?? throw new SetupException(
                $"The data in {dataDirectory} are of PostgreSQL {wanted}, but found is {string.Join(", ", installations)}: set PG_BIN to binaries of version {wanted}, or run `make reset` to start over without the data.");
        }
        var newest = installations.MaxBy(found => found.Major)!;
        return newest.Major >= Least ? newest : throw new SetupException(
            $"PostgreSQL {Least} or newer is needed, but found is {string.Join(", ", installations)}: install a newer one, or set PG_BIN to its directory.");
    }

    /// <summary>Lists the installations of this machine; only that one if <paramref name="bin"/> (PG_BIN) is set.</summary>
    /// <exception cref="SetupException"><paramref name="bin"/> has no server binaries.</exception>
    public static IReadOnlyCollection<PostgresInstallation> Find(string? bin)
    {
        if (bin is { Length: > 0 })
        {
            return [TryFind(bin) ?? throw new SetupException($"PG_BIN={bin} has no initdb and postgres that run: set it to the directory of PostgreSQL's server binaries.")];
        }
        return [.. Candidates().Distinct().Select(TryFind).OfType<PostgresInstallation>()];
    }

    public override string ToString() => $"PostgreSQL {Version} in {Bin}";

    private static PostgresInstallation? TryFind(string bin)
    {
        if (!File.Exists(Path.Combine(bin, "initdb")) || !File.Exists(Path.Combine(bin, "postgres"))) return null;
        var match = VersionText().Match(Commands.Output(Path.Combine(bin, "postgres"), "--version") ?? "");
        return match.Success ? new PostgresInstallation(bin, match.Groups[1].Value) : null;
    }

    private static IEnumerable<string> Candidates()
    {
        if (Commands.Output("pg_config", "--bindir") is { } configured) yield return configured.Trim();
        // Debian and Ubuntu, Red Hat, Homebrew on either processor.
        foreach (var (parent, pattern) in new[] { ("/usr/lib/postgresql", "*"), ("/usr", "pgsql-*"), ("/opt/homebrew/opt", "postgresql*"), ("/usr/local/opt", "postgresql*") })
        {
            if (!Directory.Exists(parent)) continue;
            foreach (var directory in Directory.EnumerateDirectories(parent, pattern)) yield return Path.Combine(directory, "bin");
        }
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return directory;
    }

    [GeneratedRegex(@"\(PostgreSQL\) (\d+(?:\.\d+)?)")]
    private static partial Regex VersionText();
}
