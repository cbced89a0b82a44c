using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>The directory where PostgreSQL keeps its data, and the user that it runs as.</summary>
/// <param name="Path">Holds the directory <c>data</c>; owned by <paramref name="User"/>.</param>
/// <param name="User">The user to switch to; null to run as the current user.</param>
internal sealed record PostgresDirectory(string Path, string? User)
{
    public string Data => System.IO.Path.Combine(Path, "data");

    public string PasswordFile => System.IO.Path.Combine(Path, "password");

    /// <summary>
    /// Chooses the directory. PostgreSQL refuses to run as root, and the user it runs as instead cannot reach a directory below one that is closed to others,
    /// as root's home is. In that case the data go to /var/lib, under a name derived from the run directory.
    /// </summary>
    public static PostgresDirectory Decide(string runDirectory, bool privileged, IReadOnlyCollection<string> users, Func<string, bool> openToOthers)
    {
        var here = System.IO.Path.Combine(runDirectory, "postgres");
        if (!privileged) return new(here, null);
        var user = users.Contains("postgres") ? "postgres" : "nobody";
        for (string? parent = runDirectory; parent is not null; parent = System.IO.Path.GetDirectoryName(parent))
        {
            if (openToOthers(parent)) continue;
            var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(runDirectory)))[..12];
            return new(System.IO.Path.Combine("/var/lib", $"factory-monitoring-{hash}"), user);
        }
        return new(here, user);
    }

    /// <summary>Chooses the directory for this process on this machine.</summary>
    public static PostgresDirectory Decide(string runDirectory) => Decide(
        runDirectory,
        Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows(),
        File.Exists("/etc/passwd") ? [.. File.ReadLines("/etc/passwd").Select(line => line.Split(':')[0])] : [],
        directory => OperatingSystem.IsWindows() || !Directory.Exists(directory) || File.GetUnixFileMode(directory).HasFlag(UnixFileMode.OtherExecute));

    /// <summary>Returns the major version of PostgreSQL that wrote the data; null if there are none.</summary>
    public int? DataVersion() =>
        File.Exists(System.IO.Path.Combine(Data, "PG_VERSION"))
            ? int.Parse(File.ReadAllText(System.IO.Path.Combine(Data, "PG_VERSION")).Trim().Split('.')[0], CultureInfo.InvariantCulture)
            : null;

    /// <summary>Returns the process that the server names in its file, the postmaster, whose parent is postgres.sh; null if there is no such file.</summary>
    public int? Postmaster()
    {
        try
        {
            return int.TryParse(File.ReadLines(System.IO.Path.Combine(Data, "postmaster.pid")).FirstOrDefault(), CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // the server removes the file when it exits
        }
    }

    /// <summary>
    /// Returns the password that belongs to the data. It is stored next to them, readable only by its owner, and created if there is none yet.
    /// </summary>
    /// <exception cref="SetupException">There are data, but their password is lost.</exception>
    public string Password()
    {
        var file = PasswordFile;
        if (File.Exists(file)) return File.ReadAllText(file).Trim();
        if (DataVersion() is not null)
            throw new SetupException($"The data in {Data} have lost their password ({file}): put it back, or run `make reset` to start over without the data.");
        var password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        Directory.CreateDirectory(Path);
        PrivateFile.Write(file, password + "\n");
        return password;
    }
}
