using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>One message of a transaction.</summary>
/// <param name="Readings">The number of its readings; 0 if it arrived as a rejected message.</param>
/// <param name="Uncounted">Those of its readings without a reading_count.</param>
internal readonly record struct BatchMessage(int Partition, long Offset, int Readings, int Uncounted, bool IsRejected);

/// <summary>
/// Divides a transaction that the database refuses into parts of whole messages. Each part can be stored separately, as long as the parts are stored in order:
/// every part moves its partitions from where the previous part left them.
/// </summary>
internal sealed class BatchDivision
{
    private readonly IngestWrite _whole;
    private readonly List<BatchMessage> _messages = [];

    public BatchDivision(ReadingBatch? batch, IngestWrite whole)
    {
        _whole = whole;
        var scope = new WriteScope(whole);
        foreach (ref var reading in batch is null ? [] : batch.Readings)
        {
            if (!scope.Passes(ref reading))
            {
                continue;
            }

            var uncounted = reading.HasCount ? 0 : 1;
            if (reading.Index == 0)
            {
                _messages.Add(new BatchMessage(reading.Partition.Number, reading.Offset, 1, uncounted, reading.IsRefused));
            }
            else
            {
                // The readings of a message are consecutive.
                _messages[^1] = _messages[^1] with { Readings = reading.Index + 1, Uncounted = _messages[^1].Uncounted + uncounted };
            }
        }

        _messages.AddRange(whole.Rejected.Select(row => new BatchMessage(row.Partition, row.Offset, 0, 0, IsRejected: true)));
        _messages.Sort((a, b) => a.Partition != b.Partition ? a.Partition.CompareTo(b.Partition) : a.Offset.CompareTo(b.Offset));
    }

    public int Count => _messages.Count;

    public BatchMessage this[int index] => _messages[index];

    /// <summary>Marks the message as rejected.</summary>
    public void Reject(int index) => _messages[index] = _messages[index] with { IsRejected = true };

    /// <summary>Returns the writes that the messages from <paramref name="first"/> up to <paramref name="end"/> cause.</summary>
    public IngestWrite Part(int first, int end)
    {
        var moves = new List<PartitionMove>();
        for (var start = first; start < end;)
        {
            var partition = _messages[start].Partition;
            var stop = start;
            var (stored, messages, uncounted, rejected) = (0, 0, 0, 0);
            for (; stop < end && _messages[stop].Partition == partition; stop++)
            {
                var message = _messages[stop];
                if (message.IsRejected)
                {
                    rejected++;
                    continue;
                }

                messages++;
                stored += message.Readings;
                uncounted += message.Uncounted;
            }

            if (_whole.Moves.Find(move => move.Partition == partition) is { } whole)
            {
                var begins = start == 0 || _messages[start - 1].Partition != partition;
                var ends = stop == _messages.Count || _messages[stop].Partition != partition;
                var expected = begins ? whole.Expected : _messages[start - 1].Offset + 1;
                var next = ends ? whole.Next : _messages[stop - 1].Offset + 1;
                moves.Add(whole with
                {
                    Expected = expected,
                    Next = next,
                    Stored = stored,
                    Messages = messages,
                    Uncounted = uncounted,
                    Rejected = rejected,
                    Redelivered = begins ? whole.Redelivered : 0,
                    Duplicated = _whole.Violations.Count(row => row.Kind == "duplicated" && row.Partition == partition && expected <= row.Offset && row.Offset < next),
                    Recovered = begins && whole.Recovered,
                });
            }

            start = stop;
        }

        return _whole.PartOf(moves);
    }

    /// <summary>Returns what remains when all messages are stored: the work that is due by time.</summary>
    public IngestWrite Rest()
    {
        var rest = _whole.PartOf(_whole.Moves.Select(move => _messages.Exists(message => message.Partition == move.Partition)
            ? move with { Expected = move.Next, Stored = 0, Messages = 0, Uncounted = 0, Rejected = 0, Redelivered = 0, Duplicated = 0, Recovered = false }
            : move));
        rest.Snapshots.AddRange(_whole.Snapshots);
        rest.Latest.AddRange(_whole.Latest);
        rest.Backfilled.AddRange(_whole.Backfilled);
        rest.MemoryLosses.AddRange(_whole.MemoryLosses);
        rest.Settle = _whole.Settle;
        return rest;
    }
}
