using System.Text;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>A sensor by its id alone, and whether its readings are live or backfilled: these are treated as two unrelated sensors.</summary>
internal sealed class SensorIdentity(byte[] id, bool isBackfill = false)
{
    private SensorDescription[] _descriptions = [];
    private SensorIdentity? _backfill;

    /// <summary>UTF-8.</summary>
    public byte[] Id { get; } = id;

    /// <summary>Whether its readings are backfilled.</summary>
    public bool IsBackfill => isBackfill;

    /// <summary>The id of its state in a detector.</summary>
    public byte[] StateId { get; } = isBackfill ? SensorState.BackfillOf(id) : id;

    /// <summary>The identity of the same sensor's backfilled readings.</summary>
    public SensorIdentity Backfill => isBackfill ? this : _backfill ??= new SensorIdentity(Id, isBackfill: true);

    public string Name => Encoding.UTF8.GetString(Id);

    /// <summary>The state that a detector last found for it; another detector searches for its own. Set by the lanes, each of which may have one.</summary>
    public SensorState? State { get; set; }

    public SensorDescription? Find(in SensorText text)
    {
        for (var i = _descriptions.Length - 1; i >= 0; i--)
        {
            if (_descriptions[i].Is(text))
            {
                return _descriptions[i];
            }
        }

        return null;
    }

    /// <summary>Adds a description, and forgets the oldest beyond <paramref name="most"/>.</summary>
    public void Add(SensorDescription description, int most) =>
        _descriptions = [.. _descriptions.AsSpan(Math.Max(0, _descriptions.Length + 1 - most)), description];
}

/// <summary>A text shared by many sensors, as it is in messages and as it is stored.</summary>
internal sealed record Word(byte[] Utf8, string Text);

/// <summary>A sensor as its messages describe it; a sensor that moves, or restarts its count, gets another description.</summary>
internal sealed class SensorDescription(SensorIdentity identity, Word type, Word unit, Word? section, Word? machine, Word? zone, Word? sequenceId)
{
    private TypeRules? _rules;
    private long _validity = -1;

    public SensorIdentity Identity { get; } = identity;

    public string Type => type.Text;

    public string Unit => unit.Text;

    public string? FactorySection => section?.Text;

    public string? MachineId => machine?.Text;

    public string? Zone => zone?.Text;

    /// <summary>UTF-8; null if the readings name no sequence for their counts.</summary>
    public byte[]? SequenceId => sequenceId?.Utf8;

    /// <summary>Its key in the database; 0 until known.</summary>
    public int Key { get; private set; }

    /// <summary>The same; 0 if it was issued in an earlier validity.</summary>
    public int KeyIn(long validity) => Volatile.Read(ref _validity) == validity ? Key : 0;

    public void SetKey(int key, long validity)
    {
        Key = key;
        Volatile.Write(ref _validity, validity);
    }

    public TypeRules RulesIn(DetectionRules rules) => _rules is { } known && known.Edition == rules.Edition ? known : _rules = rules.Of(Type, Unit);

    public bool Is(in SensorText text) =>
        text.SequenceId.Is(SequenceId) && text.Type.SequenceEqual(type.Utf8) && text.Unit.SequenceEqual(unit.Utf8)
            && text.Section.Is(section?.Utf8) && text.Machine.Is(machine?.Utf8) && text.Zone.Is(zone?.Utf8);

    public SensorDescriptionRow ToRow() => new(Identity.Name, Type, Unit, FactorySection, MachineId, Zone, sequenceId?.Text, Identity.IsBackfill);
}

/// <summary>Text that may be absent; an empty one is absent in a message.</summary>
internal readonly ref struct OptionalUtf8(bool isPresent, ReadOnlySpan<byte> bytes)
{
    public bool IsPresent { get; } = isPresent;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public bool Is(byte[]? other) => other is null ? !IsPresent : IsPresent && Bytes.SequenceEqual(other);
}

/// <summary>The description of a sensor in a message, in place.</summary>
internal ref struct SensorText
{
    public ReadOnlySpan<byte> Id;
    public ReadOnlySpan<byte> Type;
    public ReadOnlySpan<byte> Unit;
    public OptionalUtf8 Section;
    public OptionalUtf8 Machine;
    public OptionalUtf8 Zone;
    public OptionalUtf8 SequenceId;
    public bool IsBackfill;
}

/// <summary>
/// The sensors that this process has recently seen. Only used by the thread that parses. A sensor that sends nothing while as many others as the capacity
/// arrive is forgotten: its data is requested again when it returns.
/// </summary>
/// <param name="capacity">At most twice as many sensors are held.</param>
internal sealed class SensorDirectory(int capacity)
{
    /// <summary>Descriptions of one sensor; one that returns after more than this number is requested from the database again.</summary>
    private const int MaxDescriptions = 16;

    /// <summary>Types, units and places that are held once for all sensors; each one beyond this number is held by its sensor.</summary>
    private const int MaxWords = 10_000;

    private static readonly Word[] CatalogTypes = [.. SensorCatalog.Types.Keys.Select(type => new Word(Encoding.UTF8.GetBytes(type), type))];

    private readonly Dictionary<byte[], Word>.AlternateLookup<ReadOnlySpan<byte>> _words = BySpan<Word>();
    private Dictionary<byte[], SensorIdentity>.AlternateLookup<ReadOnlySpan<byte>> _sensors = BySpan<SensorIdentity>();
    private Dictionary<byte[], SensorIdentity>.AlternateLookup<ReadOnlySpan<byte>> _older = BySpan<SensorIdentity>();

    public int Count => _sensors.Dictionary.Count + _older.Dictionary.Count;

    /// <summary>Null if it is unknown: it must be checked, and added.</summary>
    public SensorDescription? Find(in SensorText text) => Find(text.Id) is not { } sensor ? null : (text.IsBackfill ? sensor.Backfill : sensor).Find(text);

    public SensorDescription Add(in SensorText text)
    {
        if (Find(text.Id) is not { } sensor)
        {
            sensor = new SensorIdentity(text.Id.ToArray());
            Add(sensor);
        }

        sensor = text.IsBackfill ? sensor.Backfill : sensor;
        var description = new SensorDescription(
            sensor, TypeOf(text.Type), WordOf(text.Unit), WordOf(text.Section), WordOf(text.Machine), WordOf(text.Zone), WordOf(text.SequenceId));
        sensor.Add(description, MaxDescriptions);
        return description;
    }

    private SensorIdentity? Find(ReadOnlySpan<byte> id)
    {
        if (_sensors.TryGetValue(id, out var sensor))
        {
            return sensor;
        }

        if (_older.Remove(id, out _, out sensor))
        {
            Add(sensor);
            return sensor;
        }

        return null;
    }

    private void Add(SensorIdentity sensor)
    {
        if (_sensors.Dictionary.Count >= capacity)
        {
            (_older, _sensors) = (_sensors, _older);
            if (_sensors.Dictionary.Count > 0)
            {
                // About 40 MB of long-lived garbage, which the collector would keep while the machine has memory.
                _sensors.Dictionary.Clear();
                GC.Collect();
            }
        }

        _sensors.Dictionary.Add(sensor.Id, sensor);
    }

    /// <summary>Returns the catalog's type if the text is the same in another case, or with spaces around it.</summary>
    private Word TypeOf(ReadOnlySpan<byte> text)
    {
        foreach (var type in CatalogTypes)
        {
            if (Ascii.EqualsIgnoreCase(text.Trim((byte)' '), type.Utf8) && !text.SequenceEqual(type.Utf8))
            {
                return new Word(text.ToArray(), type.Text);
            }
        }

        return WordOf(text);
    }

    private Word? WordOf(OptionalUtf8 text) => text.IsPresent ? WordOf(text.Bytes) : null;

    private Word WordOf(ReadOnlySpan<byte> text)
    {
        if (!_words.TryGetValue(text, out var word))
        {
            word = new Word(text.ToArray(), Encoding.UTF8.GetString(text));
            if (_words.Dictionary.Count < MaxWords)
            {
                _words.Dictionary.Add(word.Utf8, word);
            }
        }

        return word;
    }

    private static Dictionary<byte[], T>.AlternateLookup<ReadOnlySpan<byte>> BySpan<T>() =>
        new Dictionary<byte[], T>(Utf8Comparer.Instance).GetAlternateLookup<ReadOnlySpan<byte>>();
}
