using System.Text;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>
/// Serializes the detector's memory of a partition: a version, each sensor, the ids of forgotten sensors, and when each sensor was seen. A snapshot is complete or
/// contains only changes. Older consumers ignore what follows the forgotten sensors, and do not write it.
/// </summary>
internal static class DetectorSnapshot
{
    private const byte Version = 5;

    /// <summary>Bits in addition to those of the rules.</summary>
    private const int JudgedElsewhere = 0x80;

    private const int Learned = 0x40;

    /// <summary>Version without learned baselines. Written if there are none, because earlier consumers can read it.</summary>
    private const byte NothingLearned = 4;

    /// <summary>Version without delays and units.</summary>
    private const byte NoDelays = 3;

    /// <summary>Version without forgotten sensors.</summary>
    private const byte NothingForgotten = 2;

    /// <summary>Version with one sequence per sensor, without its id and times; no interval.</summary>
    private const byte UnnamedSequences = 1;

    /// <summary>Writes the whole memory.</summary>
    public static byte[] Write(PartitionDetector detector) => Write(detector, detector.Sensors, []);

    /// <summary>Writes the changes since the memory was last written.</summary>
    public static byte[] WriteChanges(PartitionDetector detector) =>
        Write(detector, detector.ChangedSensors.Where(sensor => sensor.Owner == detector).ToList(), detector.Forgotten);

    private static byte[] Write(PartitionDetector detector, IReadOnlyCollection<SensorState> sensors, IReadOnlyList<byte[]> forgotten)
    {
        using var stream = new MemoryStream(sensors.Count * 96);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(sensors.Any(sensor => sensor.Learned is not null) ? Version : NothingLearned);
        writer.Write7BitEncodedInt(sensors.Count);
        foreach (var sensor in sensors)
        {
            writer.Write7BitEncodedInt(sensor.Id.Length);
            writer.Write(sensor.Id);
            writer.Write((byte)sensor.ValueCount);
            foreach (var value in sensor.Values)
            {
                writer.Write(value);
            }

            writer.Write7BitEncodedInt(sensor.ConsecutiveHigh);
            writer.Write7BitEncodedInt64((long)sensor.Interval.TotalMilliseconds);
            WriteSequences(writer, sensor.Sequences);
            WriteEpisodes(writer, sensor);
            WriteDelays(writer, sensor);
            writer.Write(sensor.Unit ?? "");
            sensor.Learned?.Write(writer);
        }

        writer.Write7BitEncodedInt(forgotten.Count);
        foreach (var id in forgotten)
        {
            writer.Write7BitEncodedInt(id.Length);
            writer.Write(id);
        }

        WriteTime(writer, detector.Age);
        foreach (var sensor in sensors)
        {
            WriteTime(writer, detector.AgeAt(sensor.SeenAt));
        }

        writer.Flush();
        return stream.ToArray();
    }

    /// <param name="snapshots">The complete snapshot, and the changes to it in order.</param>
    /// <exception cref="InvalidDataException">A snapshot was written by another version, or is damaged.</exception>
    public static void Read(IEnumerable<byte[]> snapshots, PartitionDetector detector)
    {
        try
        {
            var age = TimeSpan.Zero;
            foreach (var snapshot in snapshots)
            {
                age = Read(snapshot, detector, age);
            }

            detector.Begin(age);
        }
        catch (Exception exception) when (exception is not InvalidDataException)
        {
            // Damaged bytes cause arbitrary exceptions: lengths, times and numbers are out of their ranges.
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    /// <param name="age">The age of the memory as it was written before.</param>
    /// <returns>The age of the memory as it is written here.</returns>
    private static TimeSpan Read(byte[] bytes, PartitionDetector detector, TimeSpan age)
    {
        var sensors = new List<SensorState>();
        var units = new HashSet<string>();
        using var reader = new BinaryReader(new MemoryStream(bytes, writable: false), Encoding.UTF8);
        var version = reader.ReadByte();
        if (version is not (Version or NothingLearned or NoDelays or NothingForgotten or UnnamedSequences))
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
            ReadEpisodes(reader, sensor);
            if (version >= NothingLearned)
            {
                var isLearned = ReadDelays(reader, sensor);
                ReadUnit(reader, sensor, units);
                sensor.Learned = isLearned ? LearnedBaseline.Read(reader) : null;
            }

            sensor.Begin(age);
            detector.Restore(sensor);
            sensors.Add(sensor);
        }

        for (var left = version >= NoDelays ? reader.Read7BitEncodedInt() : 0; left > 0; left--)
        {
            detector.Forget(reader.ReadBytes(reader.Read7BitEncodedInt()));
        }

        if (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            age = ReadTime(reader);
            sensors.ForEach(sensor => sensor.Begin(ReadTime(reader)));
        }

        return age;
    }

    private static void WriteTime(BinaryWriter writer, TimeSpan time) => writer.Write7BitEncodedInt64((long)time.TotalSeconds);

    private static TimeSpan ReadTime(BinaryReader reader) => TimeSpan.FromSeconds(reader.Read7BitEncodedInt64());

    private static void WriteSequences(BinaryWriter writer, SensorSequences sequences)
    {
        writer.Write((byte)sequences.Count);
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

    private static void WriteEpisodes(BinaryWriter writer, SensorState sensor)
    {
        var open = 0;
        for (var i = 0; i < Rules.Count; i++)
        {
            open |= sensor[(Rule)i] is null ? 0 : 1 << i;
        }

        writer.Write((byte)open);
        for (var i = 0; i < Rules.Count; i++)
        {
            if (sensor[(Rule)i] is { } episode)
            {
                writer.Write(episode.AlertId.ToByteArray(bigEndian: true));
                writer.Write(episode.Occurrences);
                writer.Write(episode.PeakValue);
                writer.Write(episode.PeakMeasure);
                writer.Write(episode.Changed);
            }
        }
    }

    private static void WriteDelays(BinaryWriter writer, SensorState sensor)
    {
        var running = 0;
        for (var i = 0; i < Rules.Count; i++)
        {
            running |= sensor.Since((Rule)i) is null ? 0 : 1 << i;
        }

        writer.Write((byte)(running | (sensor.IsJudgedElsewhere ? JudgedElsewhere : 0) | (sensor.Learned is null ? 0 : Learned)));
        for (var i = 0; i < Rules.Count; i++)
        {
            if (sensor.Since((Rule)i) is { } since)
            {
                writer.Write(since);
            }
        }
    }

    /// <returns>Whether a baseline is learned.</returns>
    private static bool ReadDelays(BinaryReader reader, SensorState sensor)
    {
        var running = reader.ReadByte();
        sensor.IsJudgedElsewhere = (running & JudgedElsewhere) != 0;
        for (var i = 0; i < Rules.Count; i++)
        {
            if ((running & (1 << i)) != 0)
            {
                sensor.Since((Rule)i, reader.ReadInt64());
            }
        }

        return (running & Learned) != 0;
    }

    /// <param name="units">The units of the sensors read so far, of which there are few.</param>
    private static void ReadUnit(BinaryReader reader, SensorState sensor, HashSet<string> units)
    {
        if (reader.ReadString() is { Length: > 0 } unit)
        {
            if (!units.TryGetValue(unit, out var shared))
            {
                units.Add(shared = unit);
            }

            sensor.Measure(shared);
        }
    }

    private static void ReadEpisodes(BinaryReader reader, SensorState sensor)
    {
        var open = reader.ReadByte();
        for (var i = 0; i < Rules.Count; i++)
        {
            if ((open & (1 << i)) != 0)
            {
                sensor[(Rule)i] = new Episode(new Guid(reader.ReadBytes(16), bigEndian: true))
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
