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

    public bool Is(
        ReadOnlySpan<byte> otherType,
        ReadOnlySpan<byte> otherUnit,
        OptionalUtf8 otherSection,
        OptionalUtf8 otherMachine,
        OptionalUtf8 otherZone,
        OptionalUtf8 otherSequenceId) =>
        otherSequenceId.Is(SequenceId) && otherType.SequenceEqual(type) && otherUnit.SequenceEqual(unit)
            && otherSection.Is(section) && otherMachine.Is(machine) && otherZone.Is(zone);

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
    public SensorDescription? Find(
        ReadOnlySpan<byte> id,
        ReadOnlySpan<byte> type,
        ReadOnlySpan<byte> unit,
        OptionalUtf8 section,
        OptionalUtf8 machine,
        OptionalUtf8 zone,
        OptionalUtf8 sequenceId)
    {
        if (_bySpan.TryGetValue(id, out var sensor))
        {
            for (var i = sensor.Descriptions.Count - 1; i >= 0; i--)
            {
                if (sensor.Descriptions[i].Is(type, unit, section, machine, zone, sequenceId))
                {
                    return sensor.Descriptions[i];
                }
            }
        }

        return null;
    }

    public SensorDescription Add(
        ReadOnlySpan<byte> id,
        ReadOnlySpan<byte> type,
        ReadOnlySpan<byte> unit,
        OptionalUtf8 section,
        OptionalUtf8 machine,
        OptionalUtf8 zone,
        OptionalUtf8 sequenceId)
    {
        if (!_bySpan.TryGetValue(id, out var sensor))
        {
            sensor = new SensorIdentity(id.ToArray(), _sensors.Count);
            _sensors.Add(sensor.Id, sensor);
        }

        var description = new SensorDescription(sensor, type.ToArray(), unit.ToArray(), section.ToArray(), machine.ToArray(), zone.ToArray(), sequenceId.ToArray());
        if (sensor.Descriptions.Count == MaxDescriptions)
        {
            sensor.Descriptions.RemoveAt(0);
        }

        sensor.Descriptions.Add(description);
        return description;
    }
}
