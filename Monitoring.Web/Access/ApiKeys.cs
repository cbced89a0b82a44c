using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>A key as it is stored.</summary>
/// <param name="Sha256">The SHA-256 hash of the key, in hexadecimal digits. A key is 32 random bytes: it cannot be guessed from its hash.</param>
internal sealed record ApiKey(string Name, FactoryRole Role, string Sha256, DateTimeOffset Created);

/// <summary>The keys of scripts and other programs, in a file that is read again when it has changed.</summary>
internal sealed partial class ApiKeys(AccessSettings settings, ILogger<ApiKeys> logger)
{
    private const string Prefix = "fm_";

    private readonly Lock _lock = new();
    private (DateTime WrittenAt, IReadOnlyList<ApiKey> Keys) _known = (default, []);

    /// <summary>Finds a key; returns null if there is no such key.</summary>
    public ApiKey? Find(string key)
    {
        var hash = Hash(key);
        return Read().FirstOrDefault(known => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(known.Sha256), Encoding.ASCII.GetBytes(hash)));
    }

    /// <summary>Returns whether a key with this hash is in the file.</summary>
    public bool Contains(string hash) => Read().Any(known => known.Sha256 == hash);

    /// <summary>Adds a key to the file, or replaces the key of that name.</summary>
    /// <returns>The key, which is not stored anywhere.</returns>
    public static string Make(string file, string name, FactoryRole role, DateTimeOffset now)
    {
        var key = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        Write(file, [.. Load(file).Where(known => known.Name != name), new(name, role, Hash(key), now)]);
        return key;
    }

    /// <summary>Removes a key from the file.</summary>
    /// <returns>Whether it was there.</returns>
    public static bool Remove(string file, string name)
    {
        var keys = Load(file);
        if (keys.All(key => key.Name != name)) return false;
        Write(file, [.. keys.Where(key => key.Name != name)]);
        return true;
    }

    public static IReadOnlyList<ApiKey> Load(string file) =>
        File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllBytes(file), ApiKeyJson.Default.IReadOnlyListApiKey) ?? [] : [];

    private static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private static void Write(string file, IReadOnlyList<ApiKey> keys)
    {
        var temporary = $"{file}.new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(temporary, options)) JsonSerializer.Serialize(stream, keys, ApiKeyJson.Default.IReadOnlyListApiKey);
        File.Move(temporary, file, overwrite: true);
    }

    private IReadOnlyList<ApiKey> Read()
    {
        if (settings.ApiKeysFile is not { } file) return [];
        lock (_lock)
        {
            var writtenAt = File.GetLastWriteTimeUtc(file);
            if (writtenAt == _known.WrittenAt) return _known.Keys;
            try
            {
                _known = (writtenAt, Load(file));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
            {
                // A removed key must not remain valid: if the file cannot be read, no key is valid.
                Log.Unreadable(logger, file, exception.Message);
                _known = (writtenAt, []);
            }

            return _known.Keys;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Cannot read the API keys in {File}: {Reason}. No key is accepted")]
        public static partial void Unreadable(ILogger logger, string file, string reason);
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<ApiKey>))]
internal sealed partial class ApiKeyJson : JsonSerializerContext;
