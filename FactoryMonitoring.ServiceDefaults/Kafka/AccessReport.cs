using System.Collections.Concurrent;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Logs problems that keep a client from its brokers and do not resolve by themselves: credentials, certificates, rights. One line for each, repeated every
/// minute while it lasts. If the client cannot continue, the service stops; it can be started again after the problem is fixed.
/// </summary>
public sealed partial class AccessReport(IConfiguration configuration, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<AccessReport> logger)
{
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(1);

    private readonly KafkaSecurity _security = KafkaClientExtensions.SecurityOf(configuration).Security;
    private readonly string _bootstrap = configuration.GetConnectionString(ResourceNames.Kafka) ?? "";
    private readonly ConcurrentDictionary<string, long> _told = [];

    /// <summary>Reports the error if it is of that kind.</summary>
    /// <param name="right">The right that was used; null if none was.</param>
    /// <returns>Whether the error is of that kind.</returns>
    public bool Report(Error error, KafkaRight? right = null)
    {
        if (Describe(error, right, _security, _bootstrap) is not { } text)
        {
            return false;
        }

        var kind = $"{error.Code} {right}";
        var now = time.GetTimestamp();
        if (!_told.TryGetValue(kind, out var before) || time.GetElapsedTime(before, now) >= Again)
        {
            _told[kind] = now;
            Log.Refused(logger, text);
        }

        if (error.IsFatal)
        {
            Environment.ExitCode = 1;
            // Not on the client's thread, which the stopping services wait for.
            _ = Task.Run(lifetime.StopApplication);
        }

        return true;
    }

    /// <summary>Describes in one line what is wrong and what to do; returns null for other errors.</summary>
    public static string? Describe(Error error, KafkaRight? right, KafkaSecurity security, string bootstrapServers)
    {
        ArgumentNullException.ThrowIfNull(error);
        ArgumentNullException.ThrowIfNull(security);
        return error.Code switch
        {
            ErrorCode.Local_Authentication or ErrorCode.SaslAuthenticationFailed =>
                $"The brokers refuse {security.Principal}: {error.Reason}; check {KafkaSecurity.Section}:Mechanism, Username and Password (or PasswordFile)",
            ErrorCode.Local_Ssl =>
                $"No encrypted connection to a broker: {error.Reason}; check {KafkaSecurity.Section}:CaFile and CertificateFile, and the broker's certificate",
            ErrorCode.TopicAuthorizationFailed or ErrorCode.GroupAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed when right is not null =>
                right.Missing(security.Principal, bootstrapServers),
            _ => null,
        };
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "{Text}")]
        public static partial void Refused(ILogger logger, string text);
    }
}
