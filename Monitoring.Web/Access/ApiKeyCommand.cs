using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary><c>Monitoring.Web api-key add NAME ROLE FILE</c>, <c>remove NAME FILE</c>, <c>list FILE</c>: maintains the file of API keys.</summary>
internal static class ApiKeyCommand
{
    private const string Usage = "api-key add NAME viewer|operator|breaker FILE, api-key remove NAME FILE, or api-key list FILE";

    public static bool IsAsked(string[] args) => args is ["api-key", ..];

    /// <returns>The exit code.</returns>
    public static int Run(string[] args)
    {
        try
        {
            return Run(args, Console.Out);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException or System.Text.Json.JsonException)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }

    private static int Run(string[] args, TextWriter output)
    {
        switch (args)
        {
            case [_, "add", var name, var role, var file] when name.Length is > 0 and <= 100:
                var key = ApiKeys.Make(file, name, WireName.Parse<FactoryRole>(role), DateTimeOffset.UtcNow);
                output.WriteLine($"{key}\nThis is the key of {name}, {role}. It is shown once: {file} has its SHA-256 alone. Send it as: Authorization: Bearer {key[..6]}…");
                return 0;
            case [_, "remove", var name, var file]:
                if (!ApiKeys.Remove(file, name)) throw new FormatException($"{file} has no key of the name {name}");
                output.WriteLine($"The key of {name} is no longer accepted.");
                return 0;
            case [_, "list", var file]:
                foreach (var known in ApiKeys.Load(file)) output.WriteLine($"{known.Name}  {WireName.Of(known.Role)}  made {known.Created:yyyy-MM-dd HH:mm:ss} UTC");
                return 0;
            default:
                throw new FormatException($"{string.Join(' ', args)}: must be {Usage}");
        }
    }
}
