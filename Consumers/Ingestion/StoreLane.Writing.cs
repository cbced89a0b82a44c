using System.Diagnostics;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion;

internal sealed partial class StoreLane
{
    /// <summary>Stores one transaction, however long it takes: the same one again after every failure, less the partitions that are no longer ours.</summary>
    private async Task StoreAsync(ReadingBatch? batch, IngestWrite write, CancellationToken cancellationToken)
    {
        var attempts = 0;
        var isEncoded = false;
        while (true)
        {
            isEncoded &= !DropForeign(write);
            if (write.Moves.Count == 0)
            {
                return;
            }

            try
            {
                if (!isEncoded)
                {
                    await EncodeAsync(batch, write, cancellationToken);
                    isEncoded = true;
                }

                var started = Stopwatch.GetTimestamp();
                var outcome = await _store.StoreAsync(write, cancellationToken);
                DatabaseIsBack();
                if (outcome == StoreOutcome.Stored || await HasGoneThroughAsync(write, cancellationToken))
                {
                    Done(batch, write, Stopwatch.GetElapsedTime(started));
                    return;
                }
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.CheckViolation)
            {
                // "no partition of relation found for row": a day that maintenance has not made yet.
                Log.DayMissing(context.Logger, exception.MessageText);
                await MakeDaysAsync(cancellationToken);
            }
            catch (Exception exception) when (IsTransient(exception, cancellationToken))
            {
                _trace?.Failed(exception is PostgresException postgres ? postgres.SqlState : exception.GetType().FullName!);
                if (++attempts > 1)
                {
                    DatabaseIsAway(exception);
                    await Task.Delay(RetryDelay, context.Time, cancellationToken);
                }
                else
                {
                    Log.AttemptFailed(context.Logger, exception.Message);
                }
            }
        }
    }

    /// <summary>Finds out why no row was updated.</summary>
    /// <returns>True when the transaction had been committed and only its answer was lost.</returns>
    private async Task<bool> HasGoneThroughAsync(IngestWrite write, CancellationToken cancellationToken)
    {
        var standings = await _store.InspectAsync(write.Log, [.. write.Moves.Select(move => move.Partition)], cancellationToken);
        var hasGoneThrough = false;
        foreach (var move in write.Moves)
        {
            var standing = standings.FirstOrDefault(one => one.Partition == move.Partition);
            var partition = _owned.Find(owned => owned.Number == move.Partition && owned.Log == write.Log)!;
            if (standing is null || standing.Epoch != move.Epoch)
            {
                Log.Fenced(context.Logger, move.Partition, move.Epoch, standing?.Epoch ?? 0, standing?.Owner ?? "nobody");
                Disown(partition);
                context.Tell(new LaneNews.Fenced(partition));
            }
            else if (standing.NextOffset == move.Next && move.Next != move.Expected)
            {
                Log.AnswerLost(context.Logger, move.Partition, move.Next);
                hasGoneThrough = true;
            }
            else if (standing.NextOffset != move.Expected)
            {
                // Ours, and not where we left it: nothing of what is remembered can be relied on.
                Log.Misplaced(context.Logger, move.Partition, move.Expected, standing.NextOffset);
                Disown(partition);
                context.Tell(new LaneNews.ClaimAgain(partition, Doubtful: false));
            }
        }

        return hasGoneThrough;
    }

    /// <returns>True when there was something of partitions that are no longer ours.</returns>
    private bool DropForeign(IngestWrite write)
    {
        DropAbandoned();
        bool IsForeign(int number) => !_owned.Exists(owned => owned.Number == number && owned.Log == write.Log);
        if (write.Moves.RemoveAll(move => IsForeign(move.Partition)) == 0)
        {
            return false;
        }

        write.Alerts.RemoveAll(row => IsForeign(row.Partition));
        write.Episodes.RemoveAll(row => IsForeign(row.Partition));
        write.Rejected.RemoveAll(row => IsForeign(row.Partition));
        write.DeadLetters.RemoveAll(row => IsForeign(row.SourcePartition));
        write.Violations.RemoveAll(row => IsForeign(row.Partition));
        write.Snapshots.RemoveAll(row => IsForeign(row.Partition));
        write.Latest.RemoveAll(row => IsForeign(row.Partition));
        return true;
    }

    private async Task EncodeAsync(ReadingBatch? batch, IngestWrite write, CancellationToken cancellationToken)
    {
        _rows.Clear();
        if (batch is null)
        {
            return;
        }

        await EnsureKeysAsync(batch, write, cancellationToken);
        foreach (ref var reading in batch.Readings)
        {
            if (reading.IsReplay || !reading.Partition.IsOwned || reading.Partition.Log != write.Log)
            {
                continue;
            }

            _rows.Add(
                reading.Timestamp,
                reading.Offset,
                reading.Value,
                reading.Sensor.Key,
                context.ConsumerKey,
                reading.Partition.Number,
                reading.Quality,
                write.Log.LogKey,
                reading.Level,
                reading.HasCount ? reading.ReadingCount : null);
        }
    }

    private async Task EnsureKeysAsync(ReadingBatch batch, IngestWrite write, CancellationToken cancellationToken)
    {
        HashSet<SensorDescription>? unknown = null;
        foreach (ref var reading in batch.Readings)
        {
            if (reading.Sensor.Key == 0)
            {
                (unknown ??= []).Add(reading.Sensor);
            }
        }

        if (unknown is null)
        {
            return;
        }

        var sensors = unknown.ToArray();
        var keys = await context.Dictionaries.SensorKeysAsync([.. sensors.Select(sensor => sensor.ToRow())], cancellationToken);
        for (var i = 0; i < keys.Length; i++)
        {
            sensors[i].Key = keys[i];
        }

        // Newest values were put together before their sensors had keys.
        for (var i = 0; i < write.Latest.Count; i++)
        {
            if (write.Latest[i].SensorKey == 0 && Array.Find(sensors, one => one.Identity.Name == write.Latest[i].SensorId) is { } sensor)
            {
                write.Latest[i] = write.Latest[i] with { SensorKey = sensor.Key };
            }
        }
    }

    private void Done(ReadingBatch? batch, IngestWrite write, TimeSpan duration)
    {
        foreach (var move in write.Moves)
        {
            var partition = _owned.Find(owned => owned.Number == move.Partition && owned.Log == write.Log)!;
            if (move.Recovered)
            {
                partition.Recovered = true;
                if (move.PredecessorEndedAt is { } endedAt)
                {
                    context.Metrics.Stalled(context.Time.GetUtcNow() - endedAt);
                }
            }

            partition.NextOffset = move.Next;
            partition.Committed = move.Next;
        }

        foreach (var snapshot in write.Snapshots)
        {
            _owned.Find(owned => owned.Number == snapshot.Partition && owned.Log == write.Log)!.SinceSnapshot = 0;
        }

        foreach (var alert in write.Alerts)
        {
            context.Metrics.AlertRaised(alert.SensorType, alert.AnomalyType, alert.Severity);
        }

        foreach (var rejected in write.Rejected)
        {
            context.Metrics.DeadLetter(rejected.Reason);
        }

        context.Metrics.Delivered(
            write.Moves.Sum(move => move.Stored), write.Moves.Sum(move => move.Redelivered), write.Moves.Sum(move => move.Duplicated));
        context.Metrics.Missing(write.Missing);
        if (batch is not null)
        {
            Measure(batch, write, duration);
        }

        if (write.Alerts.Count > 0 || write.DeadLetters.Count > 0)
        {
            context.OutboxFilled();
        }
    }

    private void Measure(ReadingBatch batch, IngestWrite write, TimeSpan duration)
    {
        var now = context.Time.GetUtcNow().ToUnixTimeMilliseconds();
        Span<int> latencies = stackalloc int[LatencyHistogram.BucketCount];
        var step = ConsumerMetrics.LatencyStep(batch.Count);
        var measures = context.Metrics.MeasuresEndToEnd;
        var stored = 0;
        foreach (ref var reading in batch.Readings)
        {
            if (reading.IsReplay || !reading.Partition.IsOwned || reading.Partition.Log != write.Log)
            {
                continue;
            }

            var latency = Math.Max(0, now - reading.ProducedAt);
            latencies[LatencyHistogram.BucketOf(latency)]++;
            if (measures && stored % step == 0)
            {
                context.Metrics.EndToEnd(reading.Partition.Number, latency);
            }

            stored++;
        }

        context.Status.Stored(stored, latencies, duration);
    }

    private async Task MakeDaysAsync(CancellationToken cancellationToken)
    {
        try
        {
            await context.Days.EnsureAsync(DateOnly.FromDateTime(context.Time.GetUtcNow().UtcDateTime.AddDays(-1)), 3, cancellationToken);
        }
        catch (Exception exception) when (IsTransient(exception, cancellationToken))
        {
            DatabaseIsAway(exception);
            await Task.Delay(RetryDelay, context.Time, cancellationToken);
        }
    }

    // Whatever the database says, the batch is kept and tried again: to give it up would be to lose readings.
    private static bool IsTransient(Exception exception, CancellationToken cancellationToken) => !cancellationToken.IsCancellationRequested
        && exception is NpgsqlException or TimeoutException or OperationCanceledException or IOException or InvalidOperationException or ObjectDisposedException;

    private void DatabaseIsAway(Exception exception)
    {
        context.Status.DatabaseAway = true;
        if (!_saidAway)
        {
            _saidAway = true;
            Log.Away(context.Logger, exception.Message, number);
        }
    }

    private void DatabaseIsBack()
    {
        context.Status.DatabaseAway = false;
        if (_saidAway)
        {
            _saidAway = false;
            Log.Back(context.Logger, number);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information,
            Message = "Partition {Partition} is ours: epoch {Epoch}, from offset {Offset} with {Replay} read again for the detector; before us: {Predecessor}")]
        public static partial void Claimed(ILogger logger, int partition, long epoch, long offset, long replay, string predecessor);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the log begins at {Low}, after offset {Offset} where the detector's memory stands; it begins anew")]
        public static partial void MemoryLost(ILogger logger, int partition, long offset, long low);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the detector's memory cannot be read; it begins anew")]
        public static partial void MemoryUnreadable(ILogger logger, Exception exception, int partition);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the log had dropped {Count} offsets before they were read")]
        public static partial void Skipped(ILogger logger, int partition, long count);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the brokers have lost what was behind offset {Offset}; {Count} rows of it are kept under a log_id of their own")]
        public static partial void LogIsShorter(ILogger logger, int partition, long offset, long count);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: our epoch {Epoch} is over, {Owner} owns it with {Current}; what is held of it is dropped")]
        public static partial void Fenced(ILogger logger, int partition, long epoch, long current, string owner);

        [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Partition}: offset {Offset} had been committed, only the answer was lost")]
        public static partial void AnswerLost(ILogger logger, int partition, long offset);

        [LoggerMessage(Level = LogLevel.Error, Message = "Partition {Partition}: offset {Expected} was expected next, the database has {Found}; it is claimed again")]
        public static partial void Misplaced(ILogger logger, int partition, long expected, long found);

        [LoggerMessage(Level = LogLevel.Information, Message = "No partition of time yet: {Message}")]
        public static partial void DayMissing(ILogger logger, string message);

        [LoggerMessage(Level = LogLevel.Warning, Message = "A batch could not be stored; it is tried again: {Reason}")]
        public static partial void AttemptFailed(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The database is away; lane {Lane} waits with its batch: {Reason}")]
        public static partial void Away(ILogger logger, string reason, int lane);

        [LoggerMessage(Level = LogLevel.Information, Message = "The database is back; lane {Lane} goes on")]
        public static partial void Back(ILogger logger, int lane);
    }
}
