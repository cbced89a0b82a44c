using System.Diagnostics;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion;

internal sealed partial class StoreLane
{
    /// <summary>Stores one transaction, however long it takes: the same one again after every failure, less the partitions that are no longer ours.</summary>
    private async Task StoreAsync(ReadingBatch? batch, IngestWrite write, CancellationToken cancellationToken)
    {
        if (await TryStoreAsync(batch, write, cancellationToken))
        {
            return;
        }

        var division = new BatchDivision(batch, write);
        await StorePartAsync(batch, write, division, 0, division.Count, cancellationToken);
        var rest = division.Rest();
        for (var i = 0; i < rest.Snapshots.Count; i++)
        {
            // What was refused is no longer in the memory.
            if (OwnedBy(rest.Log, rest.Snapshots[i].Partition) is { } partition)
            {
                rest.Snapshots[i] = partition.Snapshots.Next(partition.Number, rest.Snapshots[i].Offset, partition.Detector!);
            }
        }

        if (!await TryStoreAsync(null, rest, cancellationToken))
        {
            // None of it is what the ledger rests on, and the next tick writes most of it anew.
            Log.DueRefused(context.Logger, number, _refusal!.Message);
        }
    }

    /// <summary>Stores the messages in order, and those that are refused for good as dead letters: halves, until it is a single one.</summary>
    private async Task StorePartAsync(
        ReadingBatch? batch, IngestWrite write, BatchDivision division, int first, int end, CancellationToken cancellationToken)
    {
        if (first == end || await TryStoreAsync(batch, division.Part(first, end), cancellationToken))
        {
            return;
        }

        if (end - first > 1)
        {
            var middle = first + ((end - first) / 2);
            await StorePartAsync(batch, write, division, first, middle, cancellationToken);
            await StorePartAsync(batch, write, division, middle, end, cancellationToken);
            return;
        }

        var message = division[first];
        Log.Refused(context.Logger, message.Partition, message.Offset, _refusal!.SqlState, _refusal.MessageText);
        Quarantine(batch, write, message, _refusal);
        division.Reject(first);
        for (var attempts = 1; !await TryStoreAsync(batch, division.Part(first, end), cancellationToken); attempts++)
        {
            // Nothing but where it was is left to be refused: then it is not for the message.
            context.Status.DatabaseRefuses = _refusal.Message;
            await Task.Delay(RetryDelay, context.Time, cancellationToken);
        }
    }

    /// <summary>Makes a dead letter of a message, with nothing in it that comes from the message; the value is taken from the log.</summary>
    private void Quarantine(ReadingBatch? batch, IngestWrite write, BatchMessage message, PostgresException refusal)
    {
        var isIt = (int partition, long? offset) => partition == message.Partition && offset == message.Offset;
        var reason = Rejections.NameOf(Rejection.RefusedByDatabase);
        string? sensorId = null;
        string? sequenceId = null;
        long? readingCount = null;
        foreach (ref var reading in batch is null ? [] : batch.Readings)
        {
            if (reading.Partition.IsOwned && reading.Partition.Log == write.Log && isIt(reading.Partition.Number, reading.Offset))
            {
                reading.IsRefused = true;
                (sensorId, sequenceId) = (reading.Sensor.Identity.Name, reading.Sensor.ToRow().SequenceId);
                if (reading.HasCount)
                {
                    readingCount = reading.ReadingCount;
                    reading.Partition.Detector?.Find(sensorId)?.Sequences.Remove(reading.Sensor.SequenceId, reading.ReadingCount);
                }

                break;
            }
        }

        if (write.Rejected.Find(row => isIt(row.Partition, row.Offset)) is { } rejected)
        {
            (reason, sequenceId, readingCount) = (rejected.Reason, rejected.SequenceId, rejected.ReadingCount);
        }

        write.Alerts.RemoveAll(row => isIt(row.Partition, row.Offset));
        write.Violations.RemoveAll(row => row.Kind == "duplicated" && isIt(row.Partition, row.Offset));
        write.Latest.RemoveAll(row => isIt(row.Partition, row.Offset));
        write.Rejected.RemoveAll(row => isIt(row.Partition, row.Offset));
        write.DeadLetters.RemoveAll(row => isIt(row.SourcePartition, row.SourceOffset));
        var text = refusal.MessageText;
        var detail = $"{refusal.SqlState}: {(text.Length > MaxDetail ? text[..MaxDetail] : text)}";
        write.Rejected.Add(new RejectedRow(message.Partition, message.Offset, reason, detail, sensorId, sequenceId, readingCount));
        write.DeadLetters.Add(DeadLetter(message.Partition, message.Offset, reason, detail, null, null));
    }

    /// <summary>Stores one transaction, however long it takes.</summary>
    /// <returns>False when it is refused for what it holds, by a database that takes others; <see cref="_refusal"/> says why.</returns>
    private async Task<bool> TryStoreAsync(ReadingBatch? batch, IngestWrite write, CancellationToken cancellationToken)
    {
        var isEncoded = false;
        for (var attempts = 1; ; attempts++)
        {
            isEncoded &= !DropForeign(write);
            if (write.Moves.Count == 0)
            {
                return true;
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
                if (outcome == StoreOutcome.Stored || await HasGoneThroughAsync(write, cancellationToken))
                {
                    DatabaseIsBack();
                    Done(batch, write, Stopwatch.GetElapsedTime(started));
                    return true;
                }
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested && DatabaseFaults.Of(exception) is { } fault)
            {
                _trace?.Failed(exception is PostgresException postgres ? postgres.SqlState : exception.GetType().FullName!);
                if (fault == DatabaseFault.Refused && await TakesOthersAsync(write.Log, cancellationToken))
                {
                    _refusal = (PostgresException)exception;
                    return false;
                }

                await RecoverAsync(fault, exception, attempts, cancellationToken);
            }
        }
    }

    /// <summary>Whether the database stores a reading that is certainly in order.</summary>
    private async Task<bool> TakesOthersAsync(LogTopic log, CancellationToken cancellationToken)
    {
        try
        {
            await _store.RehearseAsync(log, cancellationToken);
            return true;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && DatabaseFaults.Of(exception) is not null)
        {
            return false;
        }
    }

    /// <summary>Does what may help, says what is wrong, and waits: never tries again at once.</summary>
    private async Task RecoverAsync(DatabaseFault fault, Exception exception, int attempts, CancellationToken cancellationToken)
    {
        switch (fault)
        {
            case DatabaseFault.DayMissing:
                if (attempts == 1)
                {
                    Log.DayMissing(context.Logger, exception.Message);
                }

                fault = await MakeDaysAsync(cancellationToken) ?? fault;
                break;
            case DatabaseFault.Replaced:
                Log.Replaced(context.Logger, number, exception.Message);
                foreach (var partition in _owned.ToList())
                {
                    Disown(partition);
                    context.Tell(new LaneNews.ClaimAgain(partition, Doubtful: false));
                }

                break;
            case DatabaseFault.Refused or DatabaseFault.Unfit:
                DatabaseRefuses(exception);
                break;
            case DatabaseFault.NoRoom:
                DatabaseHasNoRoom(exception);
                break;
            case DatabaseFault.Transient or DatabaseFault.SessionLost when attempts == 1:
                Log.AttemptFailed(context.Logger, exception.Message);
                break;
            default:
                DatabaseIsAway(exception);
                break;
        }

        var delay = fault == DatabaseFault.NoRoom ? RoomDelay(attempts) : attempts == 1 ? FirstRetryDelay : RetryDelay;
        await Task.Delay(delay, context.Time, cancellationToken);
    }

    private static TimeSpan RoomDelay(int attempts) =>
        TimeSpan.FromMilliseconds(Math.Min(RetryDelay.TotalMilliseconds * Math.Pow(2, attempts - 1), MaxRoomDelay.TotalMilliseconds));

    /// <summary>Finds out why no row was updated.</summary>
    /// <returns>True when the transaction had been committed and only its answer was lost.</returns>
    private async Task<bool> HasGoneThroughAsync(IngestWrite write, CancellationToken cancellationToken)
    {
        var standings = await _store.InspectAsync(write.Log, [.. write.Moves.Select(move => move.Partition)], cancellationToken);
        var hasGoneThrough = false;
        foreach (var move in write.Moves)
        {
            var standing = standings.FirstOrDefault(one => one.Partition == move.Partition);
            var partition = OwnedBy(write.Log, move.Partition)!;
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
        write.MemoryLosses.RemoveAll(row => IsForeign(row.Partition));
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
            if (!IsStoredBy(write, ref reading))
            {
                continue;
            }

            _rows.Add(
                reading.Timestamp,
                reading.Offset,
                reading.Value,
                reading.Sensor.Key,
                _store.ConsumerKey,
                reading.Partition.Number,
                reading.Quality,
                write.Log.LogKey,
                reading.Level,
                reading.HasCount ? reading.ReadingCount : null);
        }
    }

    // A batch may hold the same offsets twice: of an assignment that is over, and of the one that followed it.
    private static bool IsStoredBy(IngestWrite write, ref Reading reading) =>
        !reading.IsReplay && !reading.IsRefused && reading.Partition.IsOwned && reading.Partition.Log == write.Log
            && write.Covers(reading.Partition.Number, reading.Offset);

    private OwnedPartition? OwnedBy(LogTopic log, int number) => _owned.Find(owned => owned.Number == number && owned.Log == log);

    private async Task EnsureKeysAsync(ReadingBatch batch, IngestWrite write, CancellationToken cancellationToken)
    {
        var validity = KeyValidity;
        HashSet<SensorDescription>? unknown = null;
        foreach (ref var reading in batch.Readings)
        {
            if (reading.Sensor.KeyIn(validity) == 0 && IsStoredBy(write, ref reading))
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
            sensors[i].SetKey(keys[i], validity);
        }

        // Newest values were put together before their sensors had keys.
        if (write.Latest.Exists(row => row.SensorKey == 0))
        {
            var byId = sensors.ToLookup(sensor => sensor.Identity.Name, sensor => sensor.Key);
            for (var i = 0; i < write.Latest.Count; i++)
            {
                if (write.Latest[i].SensorKey == 0)
                {
                    write.Latest[i] = write.Latest[i] with { SensorKey = byId[write.Latest[i].SensorId].FirstOrDefault() };
                }
            }
        }
    }

    private void Done(ReadingBatch? batch, IngestWrite write, TimeSpan duration)
    {
        foreach (var move in write.Moves)
        {
            if (OwnedBy(write.Log, move.Partition) is not { } partition)
            {
                // Another has claimed it between our COMMIT and its answer: what was stored is stored.
                continue;
            }

            if (move.Recovered)
            {
                partition.Recovered = true;
                if (move.PredecessorEndedAt is { } endedAt)
                {
                    context.Metrics.Stalled(_store.UtcNow - endedAt);
                }
            }

            partition.NextOffset = move.Next;
            partition.Committed = move.Next;
        }

        foreach (var snapshot in write.Snapshots)
        {
            if (OwnedBy(write.Log, snapshot.Partition) is { } partition)
            {
                partition.SinceSnapshot = 0;
                partition.Snapshots.Confirm();
            }
        }

        foreach (var loss in write.MemoryLosses)
        {
            if (OwnedBy(write.Log, loss.Partition) is { } partition)
            {
                partition.HasLostMemory = false;
            }
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
            if (!IsStoredBy(write, ref reading))
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

    /// <returns>Why they could not be made; null when they are there.</returns>
    private async Task<DatabaseFault?> MakeDaysAsync(CancellationToken cancellationToken)
    {
        try
        {
            await context.Days.EnsureAroundTodayAsync(1, cancellationToken);
            return null;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && DatabaseFaults.Of(exception) is { } fault)
        {
            if (fault == DatabaseFault.NoRoom)
            {
                DatabaseHasNoRoom(exception);
            }
            else
            {
                DatabaseIsAway(exception);
            }

            return fault;
        }
    }

    private void DatabaseIsAway(Exception exception)
    {
        context.Status.DatabaseAway = true;
        if (!_saidAway)
        {
            _saidAway = true;
            Log.Away(context.Logger, exception.Message, number);
        }
    }

    private void DatabaseRefuses(Exception exception)
    {
        context.Status.DatabaseRefuses = exception.Message;
        if (!_saidAway)
        {
            _saidAway = true;
            Log.Unfit(context.Logger, exception.Message, number);
        }
    }

    private void DatabaseHasNoRoom(Exception exception)
    {
        context.Status.SetNoRoom(number, true);
        _roomSince = null;
        if (!_saidNoRoom)
        {
            _saidNoRoom = true;
            Log.NoRoom(context.Logger, exception.Message, number);
        }
    }

    private void SayRoom()
    {
        if (_saidNoRoom && _roomSince is { } since && Stopwatch.GetElapsedTime(since) >= RoomIsCertainAfter)
        {
            _saidNoRoom = false;
            Log.Room(context.Logger, number);
        }
    }

    private void DatabaseIsBack()
    {
        context.Status.DatabaseAway = false;
        context.Status.DatabaseRefuses = null;
        context.Status.SetNoRoom(number, false);
        _roomSince ??= Stopwatch.GetTimestamp();
        SayRoom();
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

        [LoggerMessage(Level = LogLevel.Warning, Message = "Lane {Lane}: {Reason}")]
        public static partial void Replaced(ILogger logger, int lane, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "No partition of time yet: {Message}")]
        public static partial void DayMissing(ILogger logger, string message);

        [LoggerMessage(Level = LogLevel.Warning, Message = "A batch could not be stored; it is tried again: {Reason}")]
        public static partial void AttemptFailed(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "The database answers and stores nothing; lane {Lane} waits with its batch: {Reason}")]
        public static partial void Unfit(ILogger logger, string reason, int lane);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}, offset {Offset}: the database refuses this message for good ({SqlState}: {Reason}); it becomes a dead letter")]
        public static partial void Refused(ILogger logger, int partition, long offset, string sqlState, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Lane {Lane}: the database refuses newest values, states of alerts and snapshots; the next are tried again: {Reason}")]
        public static partial void DueRefused(ILogger logger, int lane, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The database is away; lane {Lane} waits with its batch: {Reason}")]
        public static partial void Away(ILogger logger, string reason, int lane);

        [LoggerMessage(Level = LogLevel.Error, Message = "The database has no room left on its disk; lane {Lane} waits with its batch until there is: {Reason}")]
        public static partial void NoRoom(ILogger logger, string reason, int lane);

        [LoggerMessage(Level = LogLevel.Information, Message = "The database has room again; lane {Lane} goes on")]
        public static partial void Room(ILogger logger, int lane);

        [LoggerMessage(Level = LogLevel.Information, Message = "The database is back; lane {Lane} goes on")]
        public static partial void Back(ILogger logger, int lane);
    }
}
