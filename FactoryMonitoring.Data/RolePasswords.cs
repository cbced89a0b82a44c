using System.Security.Cryptography;
using System.Text;

namespace FactoryMonitoring.Data;

/// <summary>The passwords of the services' roles, in ASCII characters.</summary>
public sealed record RolePasswords(string Ingest, string Sensor, string Monitor, string Audit)
{
    private const int Iterations = 4096;

    public string Of(string role) => role switch
    {
        DatabaseRoles.Ingest => Ingest,
        DatabaseRoles.Sensor => Sensor,
        DatabaseRoles.Monitor => Monitor,
        DatabaseRoles.Audit => Audit,
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "is no role of a service"),
    };

    /// <summary>
    /// Returns the verifier (SCRAM-SHA-256) that PostgreSQL stores for a password and accepts in its place, so that no logged statement contains the password.
    /// </summary>
    public static string Verifier(string password)
    {
        ArgumentNullException.ThrowIfNull(password);
        var salt = RandomNumberGenerator.GetBytes(16);
        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.ASCII.GetBytes(password), salt, Iterations, HashAlgorithmName.SHA256, 32);
        var stored = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var server = HMACSHA256.HashData(salted, "Server Key"u8);
        return $"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(stored)}:{Convert.ToBase64String(server)}";
    }
}
