using System.Text;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>A sensor by its id alone.</summary>
internal sealed class SensorIdentity(byte[] id, int index)
{
    /// <summary>UTF-8.</summary>
    public byte[] Id { get; } = id;

    /// <summary>Counts up from 0 in this process.</summary>
    public int Index { get; } = index;

    public string Name { get; } = Encoding.UTF8.GetString(id);

    public List<SensorDescription> Descriptions { get; } = [];
}

/// <summary>A sensor as its messages describe it; one that moves, or begins to count anew, gets another.</summary>
internal sealed class SensorDescription(
    SensorIdentity identity, byte[] type, byte[] unit, byte[]? section, byte[]? machine, byte[]? zone, byte[]? sequenceId)
{
    private TypeRules? _rules;
    private long _validity = -1;

    public SensorIdentity Identity { get; } = identity;

    public string Type { get; } = Encoding.UTF8.GetString(type);

    public string Unit { get; } = Encoding.UTF8.GetString(unit);

    public string? FactorySection { get; } = TextOf(section);

    public string? MachineId { get; } = TextOf(machine);

    public string? Zone { get; } = TextOf(zone);

    /// <summary>UTF-8; null where the readings name no sequence that their counts belong to.</summary>
    public byte[]? SequenceId { get; } = sequenceId;

    /// <summary>Its key in the database; 0 until that is known.</summary>
    public int Key { get; private set; }

    /// <summary>The same; 0 where it was given out in an earlier validity.</summary>
    public int KeyIn(long validity) => Volatile.Read(ref _validity) == validity ? Key : 0;

    public void SetKey(int key, long validity)
    {
        Key = key;
        Volatile.Write(ref _validity, validity);
    }

    public TypeRules RulesIn(DetectionRules rules) => _rules ??= rules.Of(Type);

    public bool Is(in SensorText text) =>
        text.SequenceId.Is(SequenceId) && text.Type.SequenceEqual(type) && text.Unit.SequenceEqual(unit)
            && text.Section.Is(section) && text.Machine.Is(machine) && text.Zone.Is(zone);

    public SensorDescriptionRow ToRow() => new(Identity.Name, Type, Unit, FactorySection, MachineId, Zone, TextOf(SequenceId));

    private static string? TextOf(byte[]? utf8) => utf8 is null ? null : Encoding.UTF8.GetString(utf8);
}

/// <summary>Text that may be absent, which is not the same as empty.</summary>
internal readonly ref struct OptionalUtf8(bool isPresent, ReadOnlySpan<byte> bytes)
{
    public bool IsPresent { get; } = isPresent;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public bool Is(byte[]? other) => other is null ? !IsPresent : IsPresent && Bytes.SequenceEqual(other);

    public byte[]? ToArray() => IsPresent ? Bytes.ToArray() : null;
}

/// <summary>What a message says of its sensor, where it lies in the message.</summary>
internal ref struct SensorText
{
    public ReadOnlySpan<byte> Id;
    public ReadOnlySpan<byte> Type;
    public ReadOnlySpan<byte> Unit;
    public OptionalUtf8 Section;
    public OptionalUtf8 Machine;
    public OptionalUtf8 Zone;
    public OptionalUtf8 SequenceId;
}

/// <summary>The sensors that this process has met. Used by the thread that parses, alone.</summary>
internal sealed class SensorDirectory
{
    /// <summary>Of one sensor; one that comes again after more than this is asked for in the database again.</summary>
    private const int MaxDescriptions = 16;

    private readonly Dictionary<byte[], SensorIdentity> _sensors;
    private readonly Dictionary<byte[], SensorIdentity>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;

    public SensorDirectory()
    {
        _sensors = new Dictionary<byte[], SensorIdentity>(Utf8Comparer.Instance);
        _bySpan = _sensors.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Null where it is not known: it must be checked, and added.</summary>
    public SensorDescription? Find(in SensorText text)
    {
        if (_bySpan.TryGetValue(text.Id, out var sensor))
        {
            for (var i = sensor.Descriptions.Count - 1; i >= 0; i--)
            {
                if (sensor.Descriptions[i].Is(text))
                {
                    return sensor.Descriptions[i];
                }
            }
        }

        return null;
    }

    public SensorDescription Add(in SensorText text)
    {
        if (!_bySpan.TryGetValue(text.Id, out var sensor))
        {
            sensor = new SensorIdentity(text.Id.ToArray(), _sensors.Count);
            _sensors.Add(sensor.Id, sensor);
        }

        var description = new SensorDescription(
            sensor, text.Type.ToArray(), text.Unit.ToArray(), text.Section.ToArray(), text.Machine.ToArray(), text.Zone.ToArray(), text.SequenceId.ToArray());
        if (sensor.Descriptions.Count == MaxDescriptions)
        {
            sensor.Descriptions.RemoveAt(0);
        }

        sensor.Descriptions.Add(description);
        return description;
    }
}
