using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FactoryMonitoring.Contracts;

/// <summary>
/// TLS and SASL settings of all Kafka clients: section <c>Kafka:Security</c>. Every service uses the same settings. The default is a connection without
/// encryption and authentication.
/// </summary>
public sealed class KafkaSecurity
{
    public const string Section = "Kafka:Security";

    public static readonly KafkaSecurity None = new();

    private static readonly string[] Protocols = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];
    private static readonly string[] Mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

    private static readonly string[] SslKeys = ["CaFile", "CertificateFile", "KeyFile", "KeyPassword", "KeyPasswordFile", "EndpointIdentification"];
    private static readonly string[] PasswordKeys = ["Username", "Password", "PasswordFile"];
    private static readonly string[] TokenKeys = ["TokenUrl", "TokenCaFile", "ClientId", "ClientSecret", "ClientSecretFile", "Scope"];
    private static readonly string[] Keys = ["Protocol", .. SslKeys, "Mechanism", .. PasswordKeys, .. TokenKeys];

    private readonly Dictionary<string, string> _properties = [];

    private KafkaSecurity()
    {
    }

    /// <summary>The client's properties, by librdkafka's names. Contains secrets.</summary>
    public IReadOnlyDictionary<string, string> Properties => _properties;

    /// <summary>Whether connections are encrypted or authenticated.</summary>
    public bool IsSecured => _properties.Count > 0;

    /// <summary>The PLAIN or SCRAM user; null otherwise.</summary>
    public string? Username { get; private set; }

    /// <summary>The file of <see cref="Password"/>; null if the settings contain the password itself.</summary>
    public string? PasswordFile { get; private set; }

    /// <summary>The password; if it comes from a file, as read together with the settings.</summary>
    public string? Password => _properties.GetValueOrDefault("sasl.password");

    /// <summary>The principal that brokers assign to this client by default: from the user's name, the certificate's subject or the client's id.</summary>
    public string Principal { get; private set; } = "User:ANONYMOUS";

    /// <summary>Reads the section.</summary>
    /// <param name="settings">Its settings, by the names below the section.</param>
    /// <returns>What was read, or one line that says what is wrong: then nothing is read.</returns>
    public static (KafkaSecurity Security, string? Problem) Read(IEnumerable<KeyValuePair<string, string?>> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        try
        {
            var security = new KafkaSecurity();
            security.Take(settings.Where(pair => pair.Value is { Length: > 0 }).ToDictionary(pair => pair.Key, pair => pair.Value!, StringComparer.OrdinalIgnoreCase));
            return (security.IsSecured ? security : None, null);
        }
        catch (FormatException problem)
        {
            return (None, problem.Message);
        }
    }

    /// <summary>Reads a secret from its file, without the line end.</summary>
    public static string ReadSecret(string file) => File.ReadAllText(file).TrimEnd('\r', '\n');

    private void Take(Dictionary<string, string> settings)
    {
        if (settings.Count == 0)
        {
            return;
        }

        // An unknown one is named without its value, which may be a secret.
        if (settings.Keys.FirstOrDefault(key => !Keys.Contains(key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            throw new FormatException($"{Section}:{unknown}: there is no such setting; must be one of {string.Join(", ", Keys)}");
        }

        var protocol = OneOf(settings, "Protocol", Protocols);
        var isSsl = protocol.EndsWith("ssl", StringComparison.Ordinal);
        var isSasl = protocol.StartsWith("sasl", StringComparison.Ordinal);
        var mechanism = isSasl ? OneOf(settings, "Mechanism", Mechanisms) : null;
        var isToken = mechanism == "OAUTHBEARER";
        Refuse(settings, isSsl ? [] : SslKeys, "Protocol", "ssl or sasl_ssl");
        Refuse(settings, isSasl ? [] : ["Mechanism", .. PasswordKeys, .. TokenKeys], "Protocol", "sasl_plaintext or sasl_ssl");
        Refuse(settings, isToken ? PasswordKeys : [], "Mechanism", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
        Refuse(settings, isToken ? [] : TokenKeys, "Mechanism", "OAUTHBEARER");
        if (protocol == "plaintext")
        {
            return;
        }

        _properties["security.protocol"] = protocol;
        if (isSsl)
        {
            TakeSsl(settings);
        }

        if (isToken)
        {
            TakeToken(settings);
        }
        else if (isSasl)
        {
            _properties["sasl.username"] = Username = Needed(settings, "Username", "the user's name");
            _properties["sasl.password"] = Secret(settings, "Password") ?? throw Missing("Password (or PasswordFile)", "the user's password");
            PasswordFile = settings.GetValueOrDefault("PasswordFile");
            Principal = $"User:{Username}";
        }

        if (mechanism is not null)
        {
            _properties["sasl.mechanism"] = mechanism;
        }
    }

    private void TakeSsl(Dictionary<string, string> settings)
    {
        Set("ssl.ca.location", ExistingFile(settings, "CaFile"));
        Set("ssl.certificate.location", ExistingFile(settings, "CertificateFile"));
        Set("ssl.key.location", ExistingFile(settings, "KeyFile"));
        Set("ssl.key.password", Secret(settings, "KeyPassword"));
        if (settings.ContainsKey("CertificateFile") != settings.ContainsKey("KeyFile"))
        {
            throw Missing(settings.ContainsKey("KeyFile") ? "CertificateFile" : "KeyFile", "a PEM file: a certificate and its key go together");
        }

        if (settings.GetValueOrDefault("CertificateFile") is { } certificate)
        {
            Principal = $"User:{SubjectOf(certificate)}";
        }

        if (settings.ContainsKey("EndpointIdentification"))
        {
            _properties["ssl.endpoint.identification.algorithm"] = OneOf(settings, "EndpointIdentification", ["https", "none"]);
        }
    }

    private void TakeToken(Dictionary<string, string> settings)
    {
        const string Url = "the https:// URL of the token endpoint";
        var url = Needed(settings, "TokenUrl", Url);
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http"))
        {
            throw new FormatException($"{Section}:TokenUrl = {url}: must be {Url}");
        }

        _properties["sasl.oauthbearer.method"] = "oidc";
        _properties["sasl.oauthbearer.token.endpoint.url"] = url;
        var client = Needed(settings, "ClientId", "the client's id");
        Principal = $"User:{client}";
        _properties["sasl.oauthbearer.client.id"] = client;
        _properties["sasl.oauthbearer.client.secret"] = Secret(settings, "ClientSecret") ?? throw Missing("ClientSecret (or ClientSecretFile)", "the client's secret");
        Set("sasl.oauthbearer.scope", settings.GetValueOrDefault("Scope"));
        Set("https.ca.location", ExistingFile(settings, "TokenCaFile"));
    }

    private void Set(string property, string? value)
    {
        if (value is not null)
        {
            _properties[property] = value;
        }
    }

    private static void Refuse(Dictionary<string, string> settings, string[] keys, string decides, string where)
    {
        if (keys.FirstOrDefault(settings.ContainsKey) is { } key)
        {
            throw new FormatException($"{Section}:{key} is not allowed where {Section}:{decides} is {settings[decides]}: it belongs to {where}");
        }
    }

    private static string OneOf(Dictionary<string, string> settings, string key, string[] allowed)
    {
        var value = Needed(settings, key, string.Join(", ", allowed));
        return allowed.FirstOrDefault(each => each.Equals(value, StringComparison.OrdinalIgnoreCase))
            ?? throw new FormatException($"{Section}:{key} = {value}: must be one of {string.Join(", ", allowed)}");
    }

    // Java writes no space after a comma.
    private static string SubjectOf(string file)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(file);
            return certificate.Subject.Replace(", ", ",", StringComparison.Ordinal);
        }
        catch (CryptographicException exception)
        {
            throw new FormatException($"{Section}:CertificateFile = {file} is no certificate ({exception.Message}); must be a PEM file", exception);
        }
    }

    private static string? ExistingFile(Dictionary<string, string> settings, string key)
    {
        if (settings.GetValueOrDefault(key) is not { } file)
        {
            return null;
        }

        try
        {
            File.OpenRead(file).Dispose();
            return file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"{Section}:{key} = {file} cannot be read ({exception.Message}); must be a file that this process may read", exception);
        }
    }

    private static string? Secret(Dictionary<string, string> settings, string key)
    {
        var file = ExistingFile(settings, $"{key}File");
        if (file is null)
        {
            return settings.GetValueOrDefault(key);
        }

        if (settings.ContainsKey(key))
        {
            throw new FormatException($"{Section}:{key} and {Section}:{key}File are both set; set one of them");
        }

        return ReadSecret(file);
    }

    private static string Needed(Dictionary<string, string> settings, string key, string allowed) => settings.GetValueOrDefault(key) ?? throw Missing(key, allowed);

    private static FormatException Missing(string key, string allowed) => new($"{Section}:{key} is not set; must be {allowed}");
}
