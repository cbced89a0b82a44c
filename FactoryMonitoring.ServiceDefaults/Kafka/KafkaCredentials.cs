using System.Collections.Concurrent;
using Confluent.Kafka;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>
/// Gives every client the new password when its file changes, so that a changed password needs no restart. The clients retry by themselves with the
/// password that they received last.
/// </summary>
public sealed partial class KafkaCredentials(IConfiguration configuration, TimeProvider time, ILogger<KafkaCredentials> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly KafkaSecurity _security = KafkaClientExtensions.SecurityOf(configuration).Security;
    private readonly ConcurrentBag<IClient> _clients = [];

    /// <summary>Makes the client follow the file until the client is disposed of.</summary>
    public TClient Keep<TClient>(TClient client) where TClient : IClient
    {
        if (_security.PasswordFile is not null)
        {
            _clients.Add(client);
        }

        return client;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_security is not { PasswordFile: { } file, Username: { } user, Password: var told })
        {
            return;
        }

        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            // The file may be empty or unreadable while its owner is writing it.
            if (Read(file) is not { Length: > 0 } password || password == told)
            {
                continue;
            }

            told = password;
            foreach (var client in _clients)
            {
                SetPassword(client, user, password);
            }

            Log.Changed(logger, file);
        }
    }

    private static void SetPassword(IClient client, string user, string password)
    {
        try
        {
            client.SetSaslCredentials(user, password);
        }
        catch (ObjectDisposedException)
        {
            // The client no longer needs a password.
        }
    }

    private static string? Read(string file)
    {
        try
        {
            return KafkaSecurity.ReadSecret(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "The brokers' password in {File} has changed: it is used from now on")]
        public static partial void Changed(ILogger logger, string file);
    }
}
