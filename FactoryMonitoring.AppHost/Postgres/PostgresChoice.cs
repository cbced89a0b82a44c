using System.Security.Cryptography;
using FactoryMonitoring.AppHost.Setup;
using FactoryMonitoring.Data;
using Npgsql;

namespace FactoryMonitoring.AppHost.Postgres;

/// <summary>What PostgreSQL runs as: a container of an image, a process of an installation with a directory, or an external server.</summary>
/// <param name="Reason">The choice as text.</param>
/// <param name="Data">The location of the data, as text.</param>
/// <param name="Connection">The connection string of an external database.</param>
/// <param name="Volume">The volume of the container's data.</param>
/// <param name="PasswordFile">The file with <paramref name="Password"/>, the administrator's; null for an external server.</param>
internal sealed record PostgresChoice(
    string Reason, string Data, string Password, ContainerImage? Image = null, string? Volume = null,
    PostgresInstallation? Installation = null, PostgresDirectory? Directory = null,
    string? Connection = null, string? PasswordFile = null)
{
    /// <summary>Whether the server is external, so that the AppHost neither starts nor stops it.</summary>
    public bool IsExternal => Connection is not null;

    /// <summary>Returns the choice of an external database.</summary>
    public static PostgresChoice External(string connectionString)
    {
        var connection = new NpgsqlConnectionStringBuilder(connectionString);
        return new("as Factory:Postgres asks", $"database {connection.Database} at {SeveralHosts.Describe(connection)}", "", Connection: connectionString);
    }

    /// <summary>Chooses by the preference and by what this machine has.</summary>
    /// <param name="have">Gets the image; throws a <see cref="SetupException"/> that says why it is not available.</param>
    /// <param name="find">Chooses an installation for the directory; throws a <see cref="SetupException"/> that says what is missing.</param>
    /// <exception cref="SetupException">The requested choice is not available.</exception>
    public static PostgresChoice Make(
        PostgresPreference preference, string runDirectory, Func<ContainerImage> have, Func<PostgresDirectory, PostgresInstallation> find)
    {
        var reason = preference == PostgresPreference.Auto ? "" : "as Factory:Postgres asks, ";
        if (preference != PostgresPreference.Process)
        {
            try
            {
                var image = have();
                var volume = ContainerEngine.Volume(runDirectory, "postgres");
                var file = Path.Combine(runDirectory, "postgres-container.password");
                return new($"{reason}{image}", $"volume {volume}", PasswordOf(image.Engine, volume, file), image, volume, PasswordFile: file);
            }
            catch (SetupException missing) when (preference == PostgresPreference.Auto)
            {
                reason = $"no container: {missing.Message}; ";
            }
            catch (SetupException missing)
            {
                throw new SetupException($"Factory:Postgres=container cannot be had: {missing.Message}");
            }
        }
        var directory = PostgresDirectory.Decide(runDirectory);
        var installation = find(directory);
        return new(
            $"{reason}{installation}{(directory.User is { } user ? $", as user {user}" : "")}", directory.Data, directory.Password(),
            Installation: installation, Directory: directory, PasswordFile: directory.PasswordFile);
    }

    // PostgreSQL reads the password only when it initializes its data, so it must be kept as long as the data exist.
    private static string PasswordOf(ContainerEngine engine, string volume, string file)
    {
        if (File.Exists(file)) return File.ReadAllText(file).Trim();
        var inspection = Commands.Run(engine.Command, Commands.Patience, "volume", "inspect", volume);
        if (inspection is { ExitCode: null })
            throw new SetupException($"`{engine.Command} volume inspect {volume}` does not end within {Commands.Patience.TotalSeconds:F0} s: see whether the engine is well");
        if (inspection is { ExitCode: 0 })
            throw new SetupException($"the data in volume {volume} have lost their password ({file}): put it back, or remove them by `{engine.Command} volume rm {volume}`");
        var password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        PrivateFile.Write(file, password + "\n");
        return password;
    }
}
