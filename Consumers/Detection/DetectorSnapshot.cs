using System.Text;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>The detector's memory of a partition as bytes: a version, and then each sensor.</summary>
internal static class DetectorSnapshot
{
    private const byte Version = 2;

    /// <summary>One sequence a sensor, without an id and without its times; no interval.</summary>
    private const byte UnnamedSequences = 1;

    public static byte[] Write(PartitionDetector detector)
    {
        using var stream = new MemoryStream(detector.Sensors.Count * 96);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Version);
        writer.Write7BitEncodedInt(detector.Sensors.Count);
        foreach (var sensor in detector.Sensors)
        {
            writer.Write7BitEncodedInt(sensor.Id.Length);
            writer.Write(sensor.Id);
            writer.Write((byte)sensor.ValueCount);
            for (var i = 0; i < sensor.ValueCount; i++)
            {
                writer.Write(sensor.Values[i]);
            }

            writer.Write7BitEncodedInt(sensor.ConsecutiveHigh);
            writer.Write7BitEncodedInt64((long)sensor.Interval.TotalMilliseconds);
            WriteSequences(writer, sensor.Sequences);
            WriteEpisodes(writer, sensor.Episodes);
        }

        writer.Flush();
        return stream.ToArray();
    }

    /// <exception cref="InvalidDataException">It was written by another version, or is damaged.</exception>
    public static void Read(byte[] bytes, PartitionDetector detector)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes, writable: false), Encoding.UTF8);
        try
        {
            var version = reader.ReadByte();
            if (version is not (Version or UnnamedSequences))
            {
                throw new InvalidDataException($"version {version}, not {Version}");
            }

            for (var left = reader.Read7BitEncodedInt(); left > 0; left--)
            {
                var sensor = new SensorState(reader.ReadBytes(reader.Read7BitEncodedInt()));
                for (var values = reader.ReadByte(); values > 0; values--)
                {
                    sensor.Push(reader.ReadDouble());
                }

                sensor.ConsecutiveHigh = reader.Read7BitEncodedInt();
                sensor.Interval = TimeSpan.FromMilliseconds(version == UnnamedSequences ? 0 : reader.Read7BitEncodedInt64());
                ReadSequences(reader, version, sensor.Sequences);
                ReadEpisodes(reader, sensor.Episodes);
                detector.Restore(sensor);
            }
        }
        catch (Exception exception) when (exception is EndOfStreamException or FormatException)
        {
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    private static void WriteSequences(BinaryWriter writer, SensorSequences sequences)
    {
        writer.Write((byte)sequences.All.Count);
        foreach (var sequence in sequences.All)
        {
            writer.Write(sequence.Id is not null);
            if (sequence.Id is { } id)
            {
                writer.Write7BitEncodedInt(id.Length);
                writer.Write(id);
            }

            writer.Write(sequence.FirstAt);
            writer.Write(sequence.LastAt);
            WriteAccount(writer, sequence.Account);
        }
    }

    private static void ReadSequences(BinaryReader reader, byte version, SensorSequences sequences)
    {
        if (version == UnnamedSequences)
        {
            if (reader.ReadBoolean())
            {
                sequences.Restore(new SensorSequence(null, ReadAccount(reader)));
            }

            return;
        }

        for (var left = reader.ReadByte(); left > 0; left--)
        {
            var id = reader.ReadBoolean() ? reader.ReadBytes(reader.Read7BitEncodedInt()) : null;
            var (firstAt, lastAt) = (reader.ReadInt64(), reader.ReadInt64());
            sequences.Restore(new SensorSequence(id, ReadAccount(reader), firstAt, lastAt));
        }
    }

    private static void WriteAccount(BinaryWriter writer, SequenceAccount account)
    {
        writer.Write(account.Floor);
        writer.Write(account.Last);
        writer.Write7BitEncodedInt(account.Gaps.Count);
        foreach (var (first, last) in account.Gaps)
        {
            writer.Write(first);
            writer.Write(last);
        }
    }

    private static SequenceAccount ReadAccount(BinaryReader reader)
    {
        var floor = reader.ReadInt64();
        var last = reader.ReadInt64();
        var gaps = new (long First, long Last)[reader.Read7BitEncodedInt()];
        for (var i = 0; i < gaps.Length; i++)
        {
            gaps[i] = (reader.ReadInt64(), reader.ReadInt64());
        }

        return SequenceAccount.Restore(floor, last, gaps);
    }

    private static void WriteEpisodes(BinaryWriter writer, Episode?[] episodes)
    {
        var open = 0;
        for (var i = 0; i < episodes.Length; i++)
        {
            open |= episodes[i] is null ? 0 : 1 << i;
        }

        writer.Write((byte)open);
        foreach (var episode in episodes)
        {
            if (episode is not null)
            {
                writer.Write(episode.AlertId.ToByteArray(bigEndian: true));
                writer.Write(episode.Occurrences);
                writer.Write(episode.PeakValue);
                writer.Write(episode.PeakMeasure);
                writer.Write(episode.Changed);
            }
        }
    }

    private static void ReadEpisodes(BinaryReader reader, Episode?[] episodes)
    {
        var open = reader.ReadByte();
        for (var i = 0; i < episodes.Length; i++)
        {
            if ((open & (1 << i)) != 0)
            {
                episodes[i] = new Episode(new Guid(reader.ReadBytes(16), bigEndian: true))
                {
                    Occurrences = reader.ReadInt64(),
                    PeakValue = reader.ReadDouble(),
                    PeakMeasure = reader.ReadDouble(),
                    Changed = reader.ReadBoolean(),
                };
            }
        }
    }
}
