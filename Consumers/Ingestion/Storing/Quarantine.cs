using FactoryMonitoring.Data.Ingestion;
using Npgsql;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Creates a dead letter from a message that the database refuses permanently.</summary>
internal sealed class Quarantine(DeadLetters deadLetters)
{
    /// <summary>The number of characters kept of the database's error message.</summary>
    private const int MaxDetail = 500;

    /// <summary>
    /// Removes the message, with all of its readings, from the transaction and the detector's account, and adds it as a dead letter. The dead letter contains
    /// nothing from the message; key and value are read from the log. Which of several readings is refused is unknown: the first names the sensor.
    /// </summary>
    public void Add(ReadingBatch? batch, IngestWrite write, BatchMessage message, PostgresException refusal)
    {
        var (partition, offset) = (message.Partition, message.Offset);
        var isIt = (int ofPartition, long? at) => ofPartition == partition && at == offset;
        var reason = Rejections.NameOf(Rejection.RefusedByDatabase);
        string? sensorId = null;
        string? sequenceId = null;
        long? readingCount = null;
        var readings = 0;
        foreach (ref var reading in batch is null ? [] : batch.Readings)
        {
            if (reading.Offset == offset && reading.Partition is { Lease: { } lease } && lease.Number == partition && lease.Log == write.Log)
            {
                reading.IsRefused = true;
                readings++;
                if (reading.Index == 0)
                {
                    (sensorId, sequenceId) = (reading.Sensor.Identity.Name, reading.Sensor.ToRow().SequenceId);
                    readingCount = reading.HasCount ? reading.ReadingCount : null;
                }

                if (reading.HasCount)
                {
                    lease.Detector.Find(reading.Sensor.Identity)?.Sequences.Remove(reading.Sensor.SequenceId, reading.ReadingCount);
                }
            }
        }

        if (write.Rejected.Find(row => isIt(row.Partition, row.Offset)) is { } rejected)
        {
            (reason, sequenceId, readingCount) = (rejected.Reason, rejected.SequenceId, rejected.ReadingCount);
        }

        write.Alerts.RemoveAll(row => isIt(row.Partition, row.Offset));
        write.Violations.RemoveAll(row => row.Kind == "duplicated" && isIt(row.Partition, row.Offset));
        write.Latest.RemoveAll(row => isIt(row.Partition, row.Offset));
        write.Backfilled.RemoveAll(row => isIt(row.Partition, row.Offset));
        write.Rejected.RemoveAll(row => isIt(row.Partition, row.Offset));
        write.DeadLetters.RemoveAll(row => isIt(row.SourcePartition, row.SourceOffset));
        var text = refusal.MessageText;
        var of = readings > 1 ? $" (one of the message's {readings} readings)" : "";
        var detail = $"{refusal.SqlState}: {(text.Length > MaxDetail ? text[..MaxDetail] : text)}{of}";
        write.Rejected.Add(new RejectedRow(partition, offset, reason, detail, sensorId, sequenceId, readingCount));
        write.DeadLetters.Add(deadLetters.Of(partition, offset, reason, detail, null, null));
    }

    /// <summary>
    /// Removes what the dead letter still has of the message: the ids of its sensor and sequence, and the database's words, which may quote it. These may be
    /// what the database refuses.
    /// </summary>
    public void Strip(IngestWrite write, BatchMessage message, PostgresException refusal)
    {
        var (partition, offset) = (message.Partition, message.Offset);
        var index = write.Rejected.FindIndex(row => row.Partition == partition && row.Offset == offset);
        var detail = $"{refusal.SqlState}: the database also refuses the ids of the sensor and its sequence";
        write.Rejected[index] = write.Rejected[index] with { Detail = detail, SensorId = null, SequenceId = null };
        write.DeadLetters.RemoveAll(row => row.SourcePartition == partition && row.SourceOffset == offset);
        write.DeadLetters.Add(deadLetters.Of(partition, offset, write.Rejected[index].Reason, detail, null, null));
    }
}
