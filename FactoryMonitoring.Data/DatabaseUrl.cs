using System.Text.RegularExpressions;
using Npgsql;

namespace FactoryMonitoring.Data;

/// <summary>
/// Converts a <c>postgresql://user:password@host:port/database?sslmode=…</c> URL to a connection string; Npgsql does not accept URLs. As in libpq, the host
/// can be a list: <c>host1:port1,host2:port2</c>.
/// </summary>
public static partial class DatabaseUrl
{
    /// <summary>Converts a URL; every part is percent-decoded.</summary>
    /// <exception cref="FormatException">Not a postgresql:// or postgres:// URL with a host and a database; the message says what is allowed.</exception>
    public static string ToConnectionString(string url)
    {
        const string Allowed = "must be postgresql://user:password@host:port/database";
        var several = Several().Match(url);
        if (several.Success)
        {
            // Uri supports one host.
            url = $"{several.Groups["before"].Value}several{several.Groups["after"].Value}";
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgresql" or "postgres"))
        {
            throw new FormatException($"not a postgresql:// URL; {Allowed}");
        }

        var database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/'));
        if (uri.Host.Length == 0 || database.Length == 0)
        {
            throw new FormatException($"host or database is missing; {Allowed}");
        }

        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = Uri.UnescapeDataString(several.Success ? several.Groups["hosts"].Value : uri.Host.Trim('[', ']')),
            Port = uri.Port > 0 ? uri.Port : 5432,
            Database = database,
        };
        var credentials = uri.UserInfo.Split(':', 2);
        if (credentials[0].Length > 0)
        {
            builder.Username = Uri.UnescapeDataString(credentials[0]);
        }

        if (credentials.Length == 2)
        {
            builder.Password = Uri.UnescapeDataString(credentials[1]);
        }

        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var key = Uri.UnescapeDataString(parts[0]);
            var value = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "";
            try
            {
                // libpq's names that differ from Npgsql's.
                switch (key)
                {
                    case "sslmode":
                        builder["SSL Mode"] = value.Replace("-", "", StringComparison.Ordinal);
                        break;
                    case "application_name":
                        builder.ApplicationName = value;
                        break;
                    case "sslrootcert":
                        builder.RootCertificate = value;
                        break;
                    case "sslcert":
                        builder.SslCertificate = value;
                        break;
                    case "sslkey":
                        builder.SslKey = value;
                        break;
                    case "sslpassword":
                        builder.SslPassword = value;
                        break;
                    case "target_session_attrs":
                        builder.TargetSessionAttributes = value;
                        break;
                    case "connect_timeout":
                        builder.Timeout = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
                        break;
                    default:
                        builder[key] = value;
                        break;
                }
            }
            catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
            {
                throw new FormatException($"the parameter {key}={value} is not understood; {Allowed}", exception);
            }
        }

        return builder.ConnectionString;
    }

    [GeneratedRegex("^(?<before>[a-z]+://(?:[^/?#@]*@)?)(?<hosts>[^/?#@,]+(?:,[^/?#@,]+)+)(?<after>[/?#].*)?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Several();
}
