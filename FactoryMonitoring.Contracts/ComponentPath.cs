namespace FactoryMonitoring.Contracts.Api;

/// <summary>
/// The path of a sensor's, consumer's, producer's or broker's page, and, below /api, of its body. An id is arbitrary text, and some ids cannot be part of a
/// path: browsers and proxies resolve <c>..</c> to the parent folder and may decode <c>%2F</c>. Such ids go into the parameter <c>id</c>.
/// </summary>
public static class ComponentPath
{
    public const string Id = "id";

    public static string Sensor(string id) => Of("sensor", id);

    public static string Consumer(string id) => Of("consumer", id);

    public static string Producer(string id) => Of("producer", id);

    public static string Broker(string id) => Of("broker", id);

    /// <summary>Returns the id that follows the folder in a path as it was requested, decoded once, regardless of what has been decoded on the way.</summary>
    /// <param name="path">With or without a query; percent-encoded.</param>
    /// <param name="folder">For example <c>/sensors/</c>.</param>
    /// <returns>Null if the path has no such folder.</returns>
    public static string? IdIn(string path, string folder)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(folder);
        var end = path.IndexOfAny(['?', '#']);
        var whole = end < 0 ? path : path[..end];
        var start = whole.IndexOf(folder, StringComparison.Ordinal);
        return start < 0 ? null : Uri.UnescapeDataString(whole[(start + folder.Length)..]);
    }

    /// <summary>Returns the id of the component whose page or body has this address, in either form.</summary>
    /// <param name="address">Path and query; percent-encoded.</param>
    /// <param name="kind">For example <c>sensor</c>.</param>
    /// <returns>Null if it is the address of something else.</returns>
    public static string? IdAt(string address, string kind)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.StartsWith($"/{kind}s/", StringComparison.Ordinal)) return IdIn(address, $"/{kind}s/");
        var asked = $"/{kind}?{Id}=";
        return address.StartsWith(asked, StringComparison.Ordinal) ? Uri.UnescapeDataString(address[asked.Length..].Split('&')[0]) : null;
    }

    private static string Of(string kind, string id) => IsPlain(id) ? $"/{kind}s/{id}" : $"/{kind}?{Id}={Uri.EscapeDataString(id)}";

    private static bool IsPlain(string id) =>
        id is not ("" or "." or "..") && id.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' or '~');
}
