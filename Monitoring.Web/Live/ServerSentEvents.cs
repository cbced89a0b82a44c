using System.Runtime.CompilerServices;
using System.Text;

namespace FactoryMonitoring.Monitoring.Web.Live;

/// <param name="Event">"message" where the sender names none.</param>
/// <param name="Data">Null of a comment, by which a sender says that it is still there.</param>
internal readonly record struct ServerSentEvent(string Event, string? Data, string? Id);

/// <summary>
/// Reads text/event-stream as the HTML standard defines it (section 9.2), and gives comments too: the framework's parser drops them, and
/// with them the only sign of life of a sender that has nothing new.
/// </summary>
internal static class ServerSentEvents
{
    private const string Default = "message";

    public static async IAsyncEnumerable<ServerSentEvent> ReadAsync(Stream body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(body, Encoding.UTF8, leaveOpen: true);
        var name = Default;
        string? id = null;
        StringBuilder? data = null;
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Length == 0)
            {
                if (data is not null) yield return new(name, data.ToString(), id);
                (name, data) = (Default, null);
                continue;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon == 0)
            {
                yield return new(Default, null, null);
                continue;
            }

            var field = colon < 0 ? line : line[..colon];
            var value = colon < 0 ? "" : line[(colon + 1 < line.Length && line[colon + 1] == ' ' ? colon + 2 : colon + 1)..];
            switch (field)
            {
                case "event":
                    name = value;
                    break;
                case "id":
                    id = value;
                    break;
                case "data" when data is null:
                    data = new StringBuilder(value);
                    break;
                case "data":
                    data.Append('\n').Append(value);
                    break;
            }
        }
    }
}
