using System.Buffers.Text;
using System.Security.Cryptography;

namespace FactoryMonitoring.Sensors.Sequences;

/// <summary>Identifies a reading among all readings of its sensor.</summary>
/// <param name="Count">The reading's number in its sequence.</param>
/// <param name="SequenceId">A new one for each process, and whenever counts fall back.</param>
internal readonly record struct ReadingNumber(long Count, string SequenceId);

/// <summary>
/// The reading_counts that a sensor may still use: the rest of its block, and the next block once it is fetched. A database that is new,
/// or restored from a backup, allocates blocks a second time; the sequence's id is random, so that no two readings ever have the same number.
/// </summary>
/// <param name="blockSize">Counts per block. The rest of a block is skipped after a kill.</param>
internal sealed class ReadingCounts(int blockSize = ReadingCounts.UsualBlock)
{
    /// <summary>The block size of a sensor that measures.</summary>
    public const int UsualBlock = 1_000;

    /// <summary>The block size of a backfilled sensor, whose readings are sent as fast as possible: it must not wait for the next block.</summary>
    public const int BackfillBlock = 50_000;

    private const int IdBytes = 8;

    private readonly Lock _gate = new();
    private Block _current;
    private Block? _spare;
    private long _highest;
    private string _sequenceId = NewId();

    /// <summary>Counts per block.</summary>
    public int BlockSize => blockSize;

    /// <summary>Whether the next block should be fetched: half of this one is used and there is none after it.</summary>
    public bool WantsBlock
    {
        get
        {
            lock (_gate)
            {
                return _spare is null && _current.End - _current.Next <= blockSize / 2;
            }
        }
    }

    public bool TryTake(out ReadingNumber number)
    {
        lock (_gate)
        {
            if (_current.Next == _current.End && _spare is { } spare)
            {
                (_current, _spare) = (spare, null);
            }

            number = new ReadingNumber(_current.Next, _current.SequenceId);
            if (_current.Next == _current.End)
            {
                return false;
            }

            _current.Next++;
            return true;
        }
    }

    public void Add(long first)
    {
        lock (_gate)
        {
            if (first < _highest)
            {
                _sequenceId = NewId();
            }

            _highest = first + blockSize;
            _spare = new Block { Next = first, End = _highest, SequenceId = _sequenceId };
        }
    }

    private static string NewId() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(IdBytes));

    private struct Block
    {
        public long Next;
        public long End;
        public string SequenceId;
    }
}
