using System.Buffers.Text;
using System.Security.Cryptography;

namespace FactoryMonitoring.Sensors.Sequences;

/// <summary>What tells a reading from all others of its sensor.</summary>
/// <param name="Count">Counts the readings of a sequence.</param>
/// <param name="SequenceId">Begins anew with the process, and wherever counts fall back.</param>
internal readonly record struct ReadingNumber(long Count, string SequenceId);

/// <summary>
/// The reading_counts a sensor may still use: what is left of its block, and the block after that once it is fetched. A database that is new,
/// or restored from a backup, hands out blocks a second time; the sequence's id is random, so that no reading is ever numbered like another.
/// </summary>
/// <param name="blockSize">Counts per block. What is left of one at a kill is skipped.</param>
internal sealed class ReadingCounts(int blockSize = ReadingCounts.UsualBlock)
{
    /// <summary>Of a sensor that measures.</summary>
    public const int UsualBlock = 1_000;

    /// <summary>Of one whose past is stored as fast as that goes: it must not wait for the next.</summary>
    public const int BackfillBlock = 50_000;

    private const int IdBytes = 8;

    private readonly Lock _gate = new();
    private Block _current;
    private Block? _spare;
    private long _highest;
    private string _sequenceId = NewId();

    /// <summary>Counts per block.</summary>
    public int BlockSize => blockSize;

    /// <summary>The next block should be fetched: half of this one is used and there is none after it.</summary>
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
