using System.Text;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>The fields of a reading. Of several wrong fields the first in this order is reported.</summary>
internal enum Member
{
    Time,
    Id,
    Type,
    Value,
    Unit,
    Level,
    Quality,
    Section,
    Machine,
    Zone,
    Count,
    Sequence,
    Warning,
    Critical,

    /// <summary>Whether the reading is backfilled.</summary>
    Backfill,

    /// <summary>The array whose elements are the readings.</summary>
    Readings,

    /// <summary>What an element adds to the id of its sensor.</summary>
    Part,

    /// <summary>Where an element's value stands in the message.</summary>
    Place,

    /// <summary>The first of the values of <see cref="MappingOptions.Values"/>; the others follow it, in the order of their types.</summary>
    Measured,
}

/// <summary>
/// The names by which members of a message are known, as a tree that has the message's own shape. What the settings name goes before the contract's
/// names, and these before the usual other ones.
/// </summary>
internal sealed class MemberMap
{
    private const int ContractRank = 1_000;

    private static readonly (string Pointer, Member Member)[] Contract =
    [
        ("timestamp", Member.Time), ("sensor_id", Member.Id), ("sensor_type", Member.Type), ("value", Member.Value), ("unit", Member.Unit),
        ("alert_level", Member.Level), ("quality", Member.Quality),
        ("location", Member.Section), ("location/factory_section", Member.Section), ("location/machine_id", Member.Machine), ("location/zone", Member.Zone),
        ("metadata/reading_count", Member.Count), ("metadata/sequence_id", Member.Sequence),
        ("metadata/warning_threshold", Member.Warning), ("metadata/critical_threshold", Member.Critical),
        ("metadata/backfill", Member.Backfill),
    ];

    /// <summary>Usual names that mean nothing else; what could (id, name, type, status) is for the settings to name.</summary>
    private static readonly (string Pointer, Member Member)[] Usual =
    [
        ("time", Member.Time), ("ts", Member.Time), ("datetime", Member.Time), ("@timestamp", Member.Time),
        ("device_id", Member.Id), ("sensor", Member.Id), ("device", Member.Id),
        ("val", Member.Value), ("units", Member.Unit), ("uom", Member.Unit),
    ];

    public MemberMap(MappingOptions mapping)
    {
        Count = (int)Member.Measured + mapping.Values.Count;
        // From the weakest to the strongest: who comes later takes a member that an earlier one had.
        for (var i = 0; i < Usual.Length; i++)
        {
            Add(Usual[i].Pointer, Usual[i].Member, ContractRank + 1 + i, isLoose: true);
        }

        foreach (var (pointer, member) in Contract)
        {
            Add(pointer, member, ContractRank, isLoose: true);
        }

        foreach (var (_, member, pointers) in mapping.Members())
        {
            var rank = 0;
            foreach (var pointer in pointers.Split('|'))
            {
                Add(pointer, member, rank++, isLoose: false);
            }
        }
    }

    /// <summary>How many members it knows.</summary>
    public int Count { get; }

    public Node Root { get; } = new();

    /// <summary>The names that a pointer leads through; null where it is none.</summary>
    public static string[]? Tokens(string pointer)
    {
        var tokens = (pointer.StartsWith('/') ? pointer[1..] : pointer).Split('/');
        for (var i = 0; i < tokens.Length; i++)
        {
            var bare = tokens[i].Replace("~0", "", StringComparison.Ordinal).Replace("~1", "", StringComparison.Ordinal);
            if (tokens[i].Length == 0 || bare.Contains('~', StringComparison.Ordinal))
            {
                return null;
            }

            tokens[i] = tokens[i].Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
        }

        return tokens;
    }

    private void Add(string pointer, Member member, int rank, bool isLoose)
    {
        var node = Root;
        foreach (var token in Tokens(pointer) ?? throw new ArgumentException($"{pointer} is no JSON pointer", nameof(pointer)))
        {
            node = node.Child(Encoding.UTF8.GetBytes(token), isLoose);
        }

        (node.Member, node.Rank) = (member, rank);
    }

    /// <summary>A place in a message.</summary>
    internal sealed class Node
    {
        private readonly Dictionary<byte[], Node>.AlternateLookup<ReadOnlySpan<byte>> _exact = LooseName.Lookup<Node>();
        private readonly Dictionary<byte[], Node>.AlternateLookup<ReadOnlySpan<byte>> _loose = LooseName.Lookup<Node>();

        /// <summary>The field that lies here; null where none does.</summary>
        public Member? Member { get; set; }

        /// <summary>Of two members for one field the lower counts.</summary>
        public int Rank { get; set; }

        public bool HasChildren => _exact.Dictionary.Count > 0;

        public Node Child(byte[] name, bool isLoose)
        {
            var loose = LooseName.Of(name, stackalloc byte[LooseName.MaxLength]);
            if (!_exact.TryGetValue(name, out var child))
            {
                // Value, which the settings lead through, is value as well, where it is no object.
                _exact[name] = child = _loose.TryGetValue(loose, out var like) ? like.Copy() : new Node();
            }

            if (isLoose)
            {
                _loose[loose] = child;
            }

            return child;
        }

        private Node Copy()
        {
            var copy = new Node { Member = Member, Rank = Rank };
            foreach (var (name, child) in _exact.Dictionary)
            {
                copy._exact[name] = child;
            }

            foreach (var (name, child) in _loose.Dictionary)
            {
                copy._loose[name] = child;
            }

            return copy;
        }

        public Node? Find(ReadOnlySpan<byte> name) =>
            _exact.TryGetValue(name, out var child) || _loose.TryGetValue(LooseName.Of(name, stackalloc byte[LooseName.MaxLength]), out child) ? child : null;
    }
}
