using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>The settings for access: by OpenID Connect, by API key, and without either.</summary>
internal sealed class AccessSettings
{
    // The values of the claim that grant each role.
    private readonly Dictionary<FactoryRole, string[]> _roles;

    public AccessSettings(IConfiguration configuration, Addresses addresses)
    {
        var section = configuration.GetSection("SignIn");
        List<string> failures = [];
        Authority = Text(section["Authority"]) is { } authority ? Absolute(authority, failures) : null;
        ClientId = Text(section["ClientId"]) ?? "factory-monitoring";
        ClientSecret = Secret(section, failures);
        RoleClaim = Text(section["RoleClaim"]) ?? "roles";
        _roles = new()
        {
            [FactoryRole.Viewer] = Values(section["Viewers"] ?? "viewer"),
            [FactoryRole.Operator] = Values(section["Operators"] ?? "operator"),
            // No remote user may break anything unless the setting names one.
            [FactoryRole.Breaker] = Values(section["Breakers"]),
        };
        Lifetime = Span(section["Lifetime"], failures);
        ApiKeysFile = Text(section["ApiKeysFile"]);

        var anonymousView = Flag(configuration[EnvironmentNames.AllowAnonymousView], failures);
        var isLocal = Text(configuration[EnvironmentNames.MonitoringPublishedOn]) is { } published ? Addresses.AreAllLoopback(published) : addresses.AreLoopback;
        Anonymous = Authority is null && isLocal ? FactoryRole.Breaker : anonymousView ? FactoryRole.Viewer : null;
        if (Authority is null && Anonymous is null && (ApiKeysFile is null || !File.Exists(ApiKeysFile)))
        {
            failures.Add(
                $"{addresses.ListenOn} is reached from other machines, and nobody has to sign in: set SignIn:Authority to an OpenID Connect provider, " +
                $"{(ApiKeysFile is null ? "SignIn:ApiKeysFile to a file of API keys" : "make an API key (make api-key)")}, or set {EnvironmentNames.AllowAnonymousView}=true to let everybody look");
        }

        Failure = string.Join("; ", failures);
    }

    /// <summary>The OpenID Connect provider; null if there is no sign-in.</summary>
    public Uri? Authority { get; }

    public string ClientId { get; }

    /// <summary>The client secret; null for a public client.</summary>
    public string? ClientSecret { get; }

    /// <summary>The claim whose values are roles.</summary>
    public string RoleClaim { get; }

    /// <summary>How long a user stays signed in.</summary>
    public TimeSpan Lifetime { get; }

    /// <summary>The file of API keys; null if there are none.</summary>
    public string? ApiKeysFile { get; }

    /// <summary>The role of visitors who have neither signed in nor a key; null if they may do nothing.</summary>
    public FactoryRole? Anonymous { get; }

    /// <summary>Which setting is wrong, its value and what is allowed; empty if all are valid.</summary>
    public string Failure { get; }

    /// <summary>Returns the highest role that the values of <see cref="RoleClaim"/> grant; null if they grant none.</summary>
    public FactoryRole? RoleOf(IReadOnlyCollection<string> values) =>
        _roles.Where(role => role.Value.Intersect(values, StringComparer.Ordinal).Any()).Select(role => (FactoryRole?)role.Key).Max();

    private static string? Text(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;

    private static string[] Values(string? list) => (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static Uri? Absolute(string text, List<string> failures)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))) return url;
        failures.Add($"SignIn:Authority = {text}: must be an https URL, or an http URL on this machine");
        return null;
    }

    private static string? Secret(IConfigurationSection section, List<string> failures)
    {
        if (Text(section["ClientSecretFile"]) is not { } file) return Text(section["ClientSecret"]);
        if (Text(section["ClientSecret"]) is not null)
        {
            failures.Add($"SignIn:ClientSecret and SignIn:ClientSecretFile = {file} are both set; set one of them");
            return null;
        }

        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            failures.Add($"SignIn:ClientSecretFile = {file}: {exception.Message}");
            return null;
        }
    }

    private static TimeSpan Span(string? text, List<string> failures)
    {
        var usual = TimeSpan.FromHours(8);
        if (Text(text) is null) return usual;
        if (TimeSpan.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var span) && span >= TimeSpan.FromSeconds(1) && span <= TimeSpan.FromDays(30)) return span;
        failures.Add($"SignIn:Lifetime = {text}: must be a time between 00:00:01 and 30.00:00:00");
        return usual;
    }

    private static bool Flag(string? text, List<string> failures)
    {
        if (Text(text) is null) return false;
        if (bool.TryParse(text, out var flag)) return flag;
        failures.Add($"{EnvironmentNames.AllowAnonymousView} = {text}: must be true or false");
        return false;
    }
}
