using FactoryMonitoring.Data.Monitoring;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FactoryMonitoring.ServiceDefaults.Health;

/// <summary>
/// Detects another process that writes heartbeats under the name of this one, as when two stacks share a database. The process that started later stops.
/// </summary>
/// <param name="name">The setting that gives the name, for example CONSUMER_ID.</param>
/// <param name="id">The name.</param>
/// <param name="instanceId">The instance id in this process's heartbeats.</param>
public sealed partial class RivalWatch(
    RivalStore store, string name, string id, Guid instanceId, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<RivalWatch> logger) : BackgroundService
{
    /// <summary>A killed process writes at most one more heartbeat, if the database was slow.</summary>
    private const int HeartbeatsUntilCertain = 3;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private DateTime? _began;
    private DateTime? _started;
    private RowWriter? _rival;
    private int _heartbeats;
    private bool _said;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                var (now, writer) = await store.ReadAsync(id, stoppingToken);
                _began ??= now;
                if (writer is not null && Judge(writer))
                {
                    return;
                }
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
            {
                // A rival that cannot be detected cannot write either.
            }

            // Not in step with processes that write every second.
            await Task.Delay(Interval * (0.5 + Random.Shared.NextDouble()), time, stoppingToken);
        }
    }

    /// <returns>True if this process has to stop.</returns>
    private bool Judge(RowWriter writer)
    {
        if (writer.InstanceId == instanceId)
        {
            _started = writer.StartedAt;
            return false;
        }

        if (writer.WrittenAt <= _began || writer == _rival)
        {
            return false;
        }

        _heartbeats = writer.InstanceId == _rival?.InstanceId ? _heartbeats + 1 : 1;
        _rival = writer;
        if (_heartbeats < HeartbeatsUntilCertain || _started is not { } started)
        {
            return false;
        }

        if ((writer.StartedAt, writer.InstanceId).CompareTo((started, instanceId)) < 0)
        {
            Log.Rival(logger, id, writer.Host, writer.ProcessId, name);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
            return true;
        }

        if (!_said)
        {
            _said = true;
            Log.LaterRival(logger, id, writer.Host, writer.ProcessId);
        }

        return false;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Critical,
            "Another process writes as {Id} to this database: host {Host}, process {ProcessId}, started before this one. Two stacks share the database: give each its own, or another {Name}.")]
        public static partial void Rival(ILogger logger, string id, string host, int processId, string name);

        [LoggerMessage(LogLevel.Warning, "Another process that started later writes as {Id} to this database: host {Host}, process {ProcessId}. It stops when it notices.")]
        public static partial void LaterRival(ILogger logger, string id, string host, int processId);
    }
}
