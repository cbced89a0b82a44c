using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FactoryMonitoring.Data.Sensors;
using FactoryMonitoring.Sensors.Accounting;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>
/// Prevents readings of a file from being stored twice. A file that is stored is not sent again; if a backfill ended midway, the readings already stored are
/// skipped. All readings of a sensor go to one partition in the order of the file, so the stored ones are the sensor's first readings, and their number
/// identifies them.
/// </summary>
internal sealed partial class BackfillGuard(
    ReplayFeed feed,
    ReplayStore store,
    IProducer<byte[], byte[]> producer,
    DeliveryAccount account,
    IOptions<SensorsOptions> options,
    [FromKeyedServices(SensorWorker.Loop)] LoopHeartbeat heartbeat,
    TimeProvider time,
    ILogger<BackfillGuard> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly OutageReport _outage = new(time);
    private readonly string[] _sensors = [.. feed.Sensors.Select(sensor => sensor.Id)];
    private IReadOnlyList<(int Partition, long End)>? _ends;

    /// <summary>When the file was stored; null if it was not, or is to be stored again.</summary>
    public DateTimeOffset? DoneAt { get; private set; }

    /// <summary>Why nothing is sent, in words; null if something is sent, or everything is stored.</summary>
    public string? Obstacle { get; private set; }

    /// <summary>A part of the file was backfilled before, and consumers have not stored all readings sent then.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>The file's fingerprint, set once the backfill may send.</summary>
    public string? Fingerprint { get; private set; }

    /// <summary>Determines what is stored, however long that takes.</summary>
    /// <returns>Whether there is something to send.</returns>
    public async Task<bool> MaySendAsync(CancellationToken cancellationToken)
    {
        var file = Path.GetFileName(feed.Plan.File);
        var fingerprint = await FingerprintAsync(cancellationToken);
        BegunBackfill? begun = null;
        while (true)
        {
            heartbeat.Beat();
            try
            {
                begun ??= await store.BeginBackfillAsync(fingerprint, file, options.Value.Replay.Again, cancellationToken);
                if (begun.IsNew)
                {
                    break;
                }

                DoneAt = begun.DoneAt;
                if (DoneAt is { } at)
                {
                    Log.Done(logger, file, at);
                    return false;
                }

                if (await IsAllStoredThatWasSentAsync(cancellationToken))
                {
                    var stored = await heartbeat.WaitAsync(store.StoredOfBackfillAsync([.. _sensors.Distinct()], begun.StartedAt, cancellationToken));
                    if (!PassOver(stored))
                    {
                        Log.Refused(logger, file, Obstacle!);
                        return false;
                    }

                    Log.GoesOn(logger, file, feed.PassedOver, feed.Plan.Readings);
                    break;
                }

                IsWaiting = true;
                Log.Waits(logger, file);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                Log.NotAsked(logger, _outage.Failed(), exception.Message);
            }

            await Task.Delay(Pause, time, cancellationToken);
        }

        (Fingerprint, IsWaiting) = (fingerprint, false);
        return true;
    }

    /// <summary>Computes a fingerprint of the file's bytes and of the settings that affect how they are read.</summary>
    private async Task<string> FingerprintAsync(CancellationToken cancellationToken)
    {
        var plan = feed.Plan;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = File.OpenRead(plan.File);
        var buffer = new byte[1024 * 1024];
        while (await file.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            hash.AppendData(buffer, 0, read);
            heartbeat.Beat();
        }

        var columns = plan.Columns.Select(column => string.Create(
            CultureInfo.InvariantCulture, $"{column.SensorId}\n{column.SensorType}\n{column.Unit}\n{column.Values}\n{column.Warning}\n{column.Critical}"));
        hash.AppendData(Encoding.UTF8.GetBytes(string.Join('\n', columns.Prepend(string.Create(CultureInfo.InvariantCulture, $"{plan.Rows}\n{plan.Times.First:O}\n{plan.Times.Last:O}")))));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Whether consumers have passed the end that the log had on the first call: only then is it known what is stored.</summary>
    private async Task<bool> IsAllStoredThatWasSentAsync(CancellationToken cancellationToken)
    {
        if (account.Epoch.LogId is not { } logId)
        {
            return false;
        }

        _ends ??= await EndsAsync();
        var next = (await store.StoredUpToAsync(options.Value.Topic, logId, cancellationToken)).ToDictionary(each => each.Partition, each => each.Next);
        return _ends.All(each => next.GetValueOrDefault(each.Partition) >= each.End);
    }

    private async Task<IReadOnlyList<(int Partition, long End)>> EndsAsync()
    {
        var topic = options.Value.Topic;
        using var admin = new DependentAdminClientBuilder(producer.Handle).Build();
        var partitions = admin.GetMetadata(topic, Patience).Topics.Single().Partitions;
        var ends = await admin.ListOffsetsAsync(
            partitions.Select(partition => new TopicPartitionOffsetSpec { TopicPartition = new(topic, partition.PartitionId), OffsetSpec = OffsetSpec.Latest() }),
            new ListOffsetsOptions { RequestTimeout = Patience });
        return [.. ends.ResultInfos.Select(info => (info.TopicPartitionOffsetError.Partition.Value, info.TopicPartitionOffsetError.Offset.Value))];
    }

    /// <summary>
    /// Makes the feed skip the stored readings, if they are the first readings of each sensor: the last one must have the time that it has in the file.
    /// </summary>
    private bool PassOver(IReadOnlyDictionary<string, (long Readings, DateTime Last)> stored)
    {
        // Readings of an id with several types are counted at its first sensor.
        var left = _sensors.Select((id, place) => feed.Sensors[place].Index == place ? stored.GetValueOrDefault(id).Readings : 0).ToArray();
        feed.PassOver(left, heartbeat.Beat);
        var open = left.Count(count => count > 0);
        using var rows = feed.Plan.Read().GetEnumerator();
        for (long row = 0; open > 0 && rows.MoveNext(); row++)
        {
            if (row % 1000 == 0)
            {
                heartbeat.Beat();
            }

            foreach (var sensor in ReplayFeed.SensorsOf(rows.Current).Select(place => feed.Sensors[place].Index))
            {
                if (left[sensor] > 0 && --left[sensor] == 0)
                {
                    open--;
                    if (ReplayFeed.TimeOf(rows.Current) != stored[_sensors[sensor]].Last)
                    {
                        return Refuse(sensor);
                    }
                }
            }
        }

        return open == 0 || Refuse(Array.FindIndex(left, count => count > 0));

        bool Refuse(int sensor)
        {
            Obstacle = string.Create(
                CultureInfo.InvariantCulture, $"the {stored[_sensors[sensor]].Readings:N0} readings of {_sensors[sensor]} that were backfilled since it began are not the first of the file");
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{File} was backfilled at {At:O}: not sending it again")]
        public static partial void Done(ILogger logger, string file, DateTimeOffset at);

        [LoggerMessage(LogLevel.Information, "{File}: {Stored} of {Readings} readings are stored already, continuing after them")]
        public static partial void GoesOn(ILogger logger, string file, long stored, long readings);

        [LoggerMessage(LogLevel.Error, "Not backfilling {File}: {Reason}. Set Again to store all of it again")]
        public static partial void Refused(ILogger logger, string file, string reason);

        [LoggerMessage(LogLevel.Information, "{File}: a part was backfilled before, waiting until consumers have stored what was sent")]
        public static partial void Waits(ILogger logger, string file);

        [LoggerMessage("Cannot read what was backfilled of the file, waiting: {Reason}")]
        public static partial void NotAsked(ILogger logger, LogLevel level, string reason);
    }
}
