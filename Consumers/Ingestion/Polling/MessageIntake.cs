using Confluent.Kafka;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.ServiceDefaults.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion.Polling;

/// <summary>Takes messages from the client and puts them into the batches of their lanes.</summary>
internal sealed partial class MessageIntake(
    IConsumer<Ignore, Rejection> consumer,
    ConsumerIdentity identity,
    AccessReport access,
    ReadingParser parser,
    KeyMemory keys,
    AssignmentTable assignments,
    PartitionFlow flow,
    LaneDispatcher lanes,
    int linksPerSpan,
    ILogger logger)
{
    /// <summary>Takes one message, or the notification that a partition is at its end. The client's callbacks run in here.</summary>
    /// <returns>True if more may be available immediately.</returns>
    /// <exception cref="KafkaException">The client cannot continue.</exception>
    public bool PollOnce(int timeoutMs)
    {
        try
        {
            var result = consumer.Consume(timeoutMs);
            if (result is null)
            {
                return false;
            }

            if (assignments.Find(result.Partition.Value) is { State: AssignmentState.Running { Cursor: var cursor } } assignment)
            {
                if (cursor.Unreadable is { End: null } unreadable)
                {
                    // The client can read from here, or the log ends: this offset is outside the batch.
                    unreadable.Outside();
                    PassUnreadable(assignment, cursor, unreadable);
                }
                else if (result.IsPartitionEOF)
                {
                    End(assignment, cursor, result.Offset.Value);
                }
                else
                {
                    Take(assignment, cursor, result);
                }
            }

            return true;
        }
        catch (ConsumeException exception) when (exception.Error.Code == ErrorCode.Local_BadCompression)
        {
            if (assignments.Find(exception.ConsumerRecord.Partition.Value) is { State: AssignmentState.Running { Cursor: var cursor } } assignment)
            {
                MeetUnreadable(assignment, cursor, exception.ConsumerRecord.Offset.Value, exception.Error.Reason);
            }

            return true;
        }
        catch (ConsumeException exception) when (exception.Error.Code is ErrorCode.Local_ValueDeserialization or ErrorCode.Local_KeyDeserialization)
        {
            // The client has passed the message: it would be lost without a trace.
            if (assignments.Find(exception.ConsumerRecord.Partition.Value) is { State: AssignmentState.Running { Cursor: var cursor } } assignment)
            {
                TakeUnread(assignment, cursor, exception);
            }

            return true;
        }
        catch (ConsumeException exception) when (!exception.Error.IsFatal)
        {
            if (!access.Report(exception.Error, KafkaSettings.RightOf(exception.Error, identity)))
            {
                Log.NotConsumed(logger, exception.Error.Reason);
            }

            return false;
        }
    }

    private void End(Assignment assignment, ReadCursor cursor, long end)
    {
        if (!cursor.End(end))
        {
            flow.SeekAgain(assignment, cursor);
            return;
        }

        var partition = assignment.Partition;
        if (end > cursor.Position && !cursor.IsComparing && assignment.Lane.Filling is { } batch)
        {
            if (HasDropped(partition, cursor))
            {
                ClaimDropped(partition, cursor);
                return;
            }

            batch.Pass(partition, cursor.Position, end);
            cursor.Pass(end);
        }

        partition.IsAtEnd = cursor.IsReplayedAt(end);
        if (partition.IsAtEnd && !cursor.EndIsTold)
        {
            cursor.EndIsTold = true;
            lanes.Dispatch(assignment.Lane);
            assignment.Lane.Post(new LaneWork.Tick());
        }
    }

    /// <summary>Takes a message whose deserializer threw as a rejected one; without memory for that, reads it again.</summary>
    private void TakeUnread(Assignment assignment, ReadCursor cursor, ConsumeException exception)
    {
        var record = exception.ConsumerRecord;
        if (exception.InnerException is OutOfMemoryException)
        {
            flow.SeekAgain(assignment, cursor);
            return;
        }

        Take(assignment, cursor, new ConsumeResult<Ignore, Rejection>
        {
            TopicPartitionOffset = record.TopicPartitionOffset,
            LeaderEpoch = record.LeaderEpoch,
            Message = new Message<Ignore, Rejection>
            {
                Value = parser.Fail(record.Message.Value, record.Message.Value is null, exception.InnerException ?? exception),
                Timestamp = record.Message.Timestamp,
                Headers = record.Message.Headers,
            },
        });
    }

    /// <summary>Handles a batch of records that the client cannot decompress; the client names its first offset.</summary>
    private void MeetUnreadable(Assignment assignment, ReadCursor cursor, long first, string reason)
    {
        if (cursor.Unreadable is { } unreadable && unreadable.First <= first)
        {
            if (unreadable.First < first)
            {
                // The batch after it cannot be decompressed either.
                unreadable.Outside();
            }
            else if (unreadable.End is null)
            {
                unreadable.Inside();
            }
        }
        else
        {
            unreadable = cursor.Unreadable = new UnreadableBatch(first, cursor.ReadFrom, HighWatermark(assignment.Partition), reason);
        }

        PassUnreadable(assignment, cursor, unreadable);
    }

    /// <summary>Rejects the messages of a batch that cannot be decompressed, once its end is known, and makes the client read on.</summary>
    private void PassUnreadable(Assignment assignment, ReadCursor cursor, UnreadableBatch unreadable)
    {
        if (unreadable.End is { } end && RejectUnreadable(assignment, cursor, unreadable, end))
        {
            Log.Unreadable(logger, assignment.Number, unreadable.First, end - 1, unreadable.Reason);
            cursor.Unreadable = null;
        }

        if (assignments.Find(assignment.Partition) is not null)
        {
            flow.SeekAgain(assignment, cursor);
        }
    }

    /// <returns>False if there is no space for all of them now.</returns>
    private bool RejectUnreadable(Assignment assignment, ReadCursor cursor, UnreadableBatch unreadable, long end)
    {
        var partition = assignment.Partition;
        cursor.ComparedTo(end);
        var detail = $"Cannot decompress the batch of records at offset {unreadable.First}: {unreadable.Reason}. " +
            $"A batch may have {KafkaSettings.MaxBatchBytes} bytes when decompressed. The consumer has skipped its offsets {unreadable.First} to {end - 1}";
        for (var offset = Math.Max(unreadable.First, cursor.Position); offset < end; offset++)
        {
            if (assignment.Lane.Filling is not { } batch)
            {
                return false;
            }

            if (offset > cursor.Position && HasDropped(partition, cursor))
            {
                ClaimDropped(partition, cursor);
                return false;
            }

            cursor.Pass(offset + 1);
            batch.Add(new RejectedMessage(partition, offset, Rejection.Unreadable, detail, SensorId: null, SequenceId: null, ReadingCount: null, Key: null, KeptValue.Unknown))
                .LeaderEpoch = cursor.LeaderEpoch;
            if (batch.IsFull)
            {
                lanes.Dispatch(partition.Lane);
            }
        }

        return true;
    }

    private void Take(Assignment assignment, ReadCursor cursor, ConsumeResult<Ignore, Rejection> result)
    {
        var partition = assignment.Partition;
        var offset = result.Offset.Value;
        switch (cursor.Arrive(offset, result.LeaderEpoch))
        {
            case Arrival.Ignored:
                return;
            case Arrival.OutOfPlace:
                flow.SeekAgain(assignment, cursor);
                return;
            case Arrival.OfAnotherLog:
                // A new claim sets aside what the brokers have lost, and begins at the cut.
                Log.Cut(logger, partition.Number, cursor.CutAt);
                assignments.BeginAgain(partition, isUncertain: false, cursor.CutAt);
                return;
            case Arrival.GoneBack:
                Log.GoneBack(logger, partition.Number, offset, cursor.Position);
                assignments.BeginAgain(partition, isUncertain: false);
                return;
            case Arrival.Redelivered:
                assignment.Lane.Filling?.AddRedelivered(partition, cursor.Position);
                return;
            case var arrival:
                if (assignment.Lane.Filling is not { } batch)
                {
                    // Paused, but the client delivered what it had fetched: it will be requested again.
                    flow.SeekAgain(assignment, cursor);
                }
                else if (result.Message.Value == Rejection.AwaitsSchema)
                {
                    flow.SeekLater(assignment, cursor);
                }
                else if (arrival == Arrival.Later && HasDropped(partition, cursor))
                {
                    ClaimDropped(partition, cursor);
                }
                else
                {
                    cursor.Take(offset, result.LeaderEpoch);
                    Add(batch, partition, result);
                }

                return;
        }
    }

    private void Add(ReadingBatch batch, OwnedPartition partition, ConsumeResult<Ignore, Rejection> result)
    {
        var offset = result.Offset.Value;
        BatchSlice slice;
        var rejection = result.Message.Value;
        var hasImpossibleTime = rejection == Rejection.None && !PostgresTime.IsPossible(result.Message.Timestamp.UnixTimestampMs) && HasRecordTime();
        if (hasImpossibleTime)
        {
            rejection = parser.RejectRecordTime(result.Message.Timestamp.UnixTimestampMs);
        }

        if (rejection == Rejection.None && parser.Several is { IsEmpty: false } readings)
        {
            foreach (ref var reading in readings)
            {
                Place(ref reading, partition, result);
            }

            slice = batch.Add(partition, readings);
        }
        else if (rejection == Rejection.None)
        {
            Place(ref parser.Reading, partition, result);
            slice = batch.Add(partition, ref parser.Reading);
        }
        else
        {
            slice = batch.Add(new RejectedMessage(
                partition, offset, rejection, parser.Detail, parser.SensorId, parser.SequenceId, parser.ReadingCount, keys.Key, hasImpossibleTime ? null : parser.Rejected));
        }

        slice.LeaderEpoch = result.LeaderEpoch;
        if (result.Message.Headers is { } headers && batch.Links.Count < linksPerSpan && TraceContext.Of(headers) is { } sent)
        {
            batch.Links.Add(ConsumerMetrics.LinkTo(sent, partition.Number, offset));
        }

        if (batch.IsFull)
        {
            lanes.Dispatch(partition.Lane);
        }
    }

    /// <summary>Whether the time of any reading of the last message is that of its record.</summary>
    private bool HasRecordTime()
    {
        foreach (ref var reading in parser.Several)
        {
            if (reading.Timestamp == PostgresTime.OfRecord)
            {
                return true;
            }
        }

        return parser.Several.IsEmpty && parser.Reading.Timestamp == PostgresTime.OfRecord;
    }

    private static void Place(ref Reading reading, OwnedPartition partition, ConsumeResult<Ignore, Rejection> result)
    {
        reading.Partition = partition;
        reading.Offset = result.Offset.Value;
        var producedAt = result.Message.Timestamp.UnixTimestampMs;
        reading.ProducedAt = PostgresTime.IsPossible(producedAt) ? producedAt : 0;
        if (reading.Timestamp == PostgresTime.OfRecord)
        {
            reading.Timestamp = PostgresTime.FromUnix(reading.ProducedAt);
        }

        reading.Headers = result.Message.Headers;
    }

    /// <summary>Offsets are missing because of producers' transactions, which is no loss, or because of the log's retention, which is.</summary>
    private bool HasDropped(OwnedPartition partition, ReadCursor cursor) =>
        consumer.GetWatermarkOffsets(new TopicPartition(identity.SensorTopic, partition.Number)).Low.Value > cursor.Position;

    private long HighWatermark(OwnedPartition partition) =>
        consumer.GetWatermarkOffsets(new TopicPartition(identity.SensorTopic, partition.Number)).High.Value;

    /// <summary>Starts a new claim, which records the missing offsets.</summary>
    private void ClaimDropped(OwnedPartition partition, ReadCursor cursor)
    {
        Log.Dropped(logger, partition.Number, cursor.Position);
        assignments.BeginAgain(partition, isUncertain: false);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "Partition {Partition}: cannot decompress the records at offsets {First} to {Last}; they are dead letters: {Reason}")]
        public static partial void Unreadable(ILogger logger, int partition, long first, long last, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot consume: {Reason}")]
        public static partial void NotConsumed(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: received offset {Offset}, expected {Position}: claiming it again")]
        public static partial void GoneBack(ILogger logger, int partition, long offset, long position);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the log no longer has offset {Offset}: claiming it again")]
        public static partial void Dropped(ILogger logger, int partition, long offset);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition}: the log has changed from offset {Offset} on: claiming it again")]
        public static partial void Cut(ILogger logger, int partition, long offset);
    }
}
