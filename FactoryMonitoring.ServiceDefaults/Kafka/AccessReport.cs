using System.Collections.Concurrent;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Says what keeps a client from its brokers and does not pass by itself: credentials, certificates, rights. One line for each, and again every minute while
/// it lasts. A client that cannot go on after that takes its service with it, which can be started again once all is right.
/// </summary>
public sealed partial class AccessReport(IConfiguration configuration, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<AccessReport> logger)
{
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(1);

    private readonly KafkaSecurity _security = KafkaClientExtensions.SecurityOf(configuration).Security;
    private readonly string _bootstrap = configuration.GetConnectionString(ResourceNames.Kafka) ?? "";
    private readonly ConcurrentDictionary<string, long> _told = [];

    /// <summary>Reports the error if it is of that kind.</summary>
    /// <param name="right">What was made use of; null where none was.</param>
    /// <returns>Whether it is.</returns>
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
            // Not on the client's thread, which whatever stops then waits for.
            _ = Task.Run(lifetime.StopApplication);
        }

        return true;
    }

    /// <summary>Says in a line what is wrong and what to do; null where the error is none of these.</summary>
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
