using System.Text;
using FactoryMonitoring.Consumers.Detection;

namespace FactoryMonitoring.Tests.Unit.Consumers;

public sealed class SensorSequencesTests
{
    private const long Second = 1_000_000;
    private const long Now = 800_000_000 * Second;
    private const long Year1970 = -946_684_800 * Second;

    private readonly SensorSequences _sequences = new();

    [Fact]
    public void A_device_that_counts_from_1_again_repeats_nothing()
    {
        Assert.All(Enumerable.Range(1, 100), count => Assert.True(Add(count, Now + (count * Second))));
        Assert.All(Enumerable.Range(1, 150), count => Assert.True(Add(count, Now + ((200 + count) * Second))));
    }

    [Theory]
    [InlineData(Year1970)]
    [InlineData(Now - (3600 * Second))]
    [InlineData(Now + (20 * Second))]
    public void So_does_one_whose_clock_goes_back_with_it(long startedAgainAt)
    {
        Assert.All(Enumerable.Range(1, 100), count => Assert.True(Add(count, Now + (count * Second))));
        Assert.All(Enumerable.Range(1, 150), count => Assert.True(Add(count, startedAgainAt + (count * Second))));
    }

    [Fact]
    public void Readings_that_are_sent_again_as_they_were_are_noticed()
    {
        Assert.All(Enumerable.Range(1, 100), count => Assert.True(Add(count, Now + (count * Second))));
        Assert.All(Enumerable.Range(1, 100), count => Assert.False(Add(count, Now + (count * Second))));
        Assert.True(Add(101, Now + (101 * Second)));
        Assert.False(Add(101, Now + (101 * Second)));
    }

    [Fact]
    public void Late_ones_fill_their_gap_and_older_ones_extend_what_is_known()
    {
        Assert.True(Add(10, Now + (10 * Second)));
        Assert.True(Add(13, Now + (13 * Second)));
        Assert.True(Add(11, Now + (11 * Second)));
        Assert.True(Add(8, Now + (8 * Second)));

        Assert.False(Add(13, Now + (13 * Second)));
        Assert.False(Add(10, Now + (10 * Second)));
        Assert.Equal([(9, 9), (12, 12)], _sequences.Unseen(null, 8, 13));
    }

    [Fact]
    public void A_named_sequence_is_known_by_its_name_alone()
    {
        Assert.True(Add(5, Now, "first"));
        Assert.True(Add(5, Now, "second"));
        Assert.True(Add(6, Now - Second, "first"));

        Assert.False(Add(5, Now + Second, "first"));
        Assert.False(Add(5, Year1970, "second"));
        Assert.Equal([(7, 7)], _sequences.Unseen("first"u8.ToArray(), 5, 7));
        Assert.Equal([(5, 7)], _sequences.Unseen("third"u8.ToArray(), 5, 7));
    }

    [Fact]
    public void Of_many_sequences_the_one_that_was_used_the_longest_time_ago_is_forgotten()
    {
        foreach (var id in (string[])["a", "b", "c", "d", "a", "e"])
        {
            Add(_sequences.Count, Now, id);
        }

        Assert.Equal(["e", "a", "d", "c"], _sequences.All.Select(sequence => Encoding.UTF8.GetString(sequence.Id!)));
    }

    [Fact]
    public void A_snapshot_keeps_them()
    {
        var written = new PartitionDetector("log", 0, new DetectionRules(new DetectionOptions()));
        var state = new SensorState("s"u8.ToArray());
        state.Sequences.Add(null, 5, Now);
        state.Sequences.Add("q"u8.ToArray(), 7, Now);
        state.Sequences.Add("q"u8.ToArray(), 9, Now + Second);
        written.Restore(state);

        var read = new PartitionDetector("log", 0, new DetectionRules(new DetectionOptions()));
        DetectorSnapshot.Read([DetectorSnapshot.Write(written)], read);

        var sequences = read.Find("s")!.Sequences;
        Assert.Equal([(8, 8)], sequences.Unseen("q"u8.ToArray(), 7, 9));
        Assert.False(sequences.Add(null, 5, Now));
        Assert.True(sequences.Add(null, 5, Now + Second));
    }

    [Fact]
    public void A_snapshot_of_before_sequences_is_read()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write((byte)1);
        writer.Write7BitEncodedInt(1);
        writer.Write7BitEncodedInt(1);
        writer.Write((byte)'s');
        writer.Write((byte)1);
        writer.Write(25.0);
        writer.Write7BitEncodedInt(0);
        writer.Write(true);
        writer.Write(10L);
        writer.Write(20L);
        writer.Write7BitEncodedInt(0);
        writer.Write((byte)0);
        writer.Flush();

        var read = new PartitionDetector("log", 0, new DetectionRules(new DetectionOptions()));
        DetectorSnapshot.Read([stream.ToArray()], read);

        var sequences = read.Find("s")!.Sequences;
        Assert.Equal([(9, 9), (21, 21)], sequences.Unseen(null, 9, 21));
        Assert.False(sequences.Add(null, 15, Now));
    }

    private bool Add(long count, long timestamp, string? sequenceId = null) =>
        _sequences.Add(sequenceId is null ? null : Encoding.UTF8.GetBytes(sequenceId), count, timestamp);
}
