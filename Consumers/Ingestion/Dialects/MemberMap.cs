using System.Text;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>The fields of a reading. If several fields are wrong, the first in this order is reported.</summary>
internal enum Member
{
    Time,

    /// <summary>The date of a time of day.</summary>
    Date,
    Id,
    Type,
    Value,
    Unit,
    Level,
    Quality,

    /// <summary>A status code of OPC UA, if there is no quality.</summary>
    Status,

    /// <summary>A mark whose false says that the value is not valid; anything else is ignored.</summary>
    Valid,
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

    /// <summary>The suffix that an element adds to its sensor's id.</summary>
    Part,

    /// <summary>The position of an element's value in the message.</summary>
    Place,

    /// <summary>The first of the values of <see cref="MappingOptions.Values"/>; the others follow in the order of their types.</summary>
    Measured,
}

/// <summary>
/// The names of the members of a message, as a tree with the shape of the message. Names in the settings take precedence over the contract's
/// names, and these over other usual names.
/// </summary>
internal sealed class MemberMap
{
    private const int ContractRank = 1_000;

    /// <summary>The rank of the contract's names where they take precedence over all others.</summary>
    public const int FirstRank = -1;

    private static readonly (string Pointer, Member Member)[] Contract =
    [
        ("timestamp", Member.Time), ("sensor_id", Member.Id), ("sensor_type", Member.Type), ("value", Member.Value), ("unit", Member.Unit),
        ("alert_level", Member.Level), ("quality", Member.Quality),
        ("location", Member.Section), ("location/factory_section", Member.Section), ("location/machine_id", Member.Machine), ("location/zone", Member.Zone),
        ("metadata/reading_count", Member.Count), ("metadata/sequence_id", Member.Sequence),
        ("metadata/warning_threshold", Member.Warning), ("metadata/critical_threshold", Member.Critical),
        ("metadata/backfill", Member.Backfill),
    ];

    /// <summary>Usual, unambiguous names; ambiguous ones (id, name, type, status) must be named in the settings.</summary>
    private static readonly (string Pointer, Member Member)[] Usual =
    [
        ("time", Member.Time), ("ts", Member.Time), ("datetime", Member.Time), ("@timestamp", Member.Time), ("date", Member.Date),
        ("device_id", Member.Id), ("sensor", Member.Id), ("device", Member.Id),
        ("val", Member.Value), ("units", Member.Unit), ("uom", Member.Unit), ("unit_of_measurement", Member.Unit), ("unit_code", Member.Unit), ("engineering_units", Member.Unit), ("engineering_unit", Member.Unit),
        ("is_valid", Member.Quality), ("status_code", Member.Status), ("status_code/symbol", Member.Status), ("status_code/code", Member.Status), ("valid", Member.Valid),
    ];

    /// <param name="isContractFirst">
    /// The contract's names take precedence over those in the settings, which only add what it lacks: for a message that has all of a reading under the contract's names.
    /// </param>
    public MemberMap(MappingOptions mapping, bool isContractFirst = false)
    {
        IsOfForm = mapping.Readings == FormValues.Readings;
        Count = (int)Member.Measured + mapping.Values.Count;
        // From the weakest to the strongest: a later entry takes a member over from an earlier one.
        foreach (var (index, pointer) in (mapping.OtherIds ?? "").Split('|', StringSplitOptions.RemoveEmptyEntries).Index())
        {
            Add(pointer, Member.Id, ContractRank + 1 + Usual.Length + index, isLoose: true);
        }

        for (var i = 0; i < Usual.Length; i++)
        {
            Add(Usual[i].Pointer, Usual[i].Member, ContractRank + 1 + i, isLoose: true);
        }

        foreach (var (pointer, member) in Contract)
        {
            Add(pointer, member, ContractRank, isLoose: true);
        }

        foreach (var (_, member, pointers) in mapping.Members().Where(one => !isContractFirst || one.Member < Member.Readings))
        {
            var rank = 0;
            foreach (var pointer in pointers.Split('|'))
            {
                Add(pointer, member, rank++, isLoose: false);
            }
        }

        foreach (var (pointer, member) in isContractFirst ? Contract : [])
        {
            Add(pointer, member, FirstRank, isLoose: false);
        }
    }

    /// <summary>Whether the array of readings is that of a form.</summary>
    public bool IsOfForm { get; }

    /// <summary>The number of members in the map.</summary>
    public int Count { get; }

    public Node Root { get; } = new();

    /// <summary>Returns the names on the path of a pointer; null if it is not a pointer.</summary>
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

    /// <summary>A position in a message.</summary>
    internal sealed class Node
    {
        private readonly Dictionary<byte[], Node>.AlternateLookup<ReadOnlySpan<byte>> _exact = LooseName.Lookup<Node>();
        private readonly Dictionary<byte[], Node>.AlternateLookup<ReadOnlySpan<byte>> _loose = LooseName.Lookup<Node>();

        /// <summary>The field at this position; null if there is none.</summary>
        public Member? Member { get; set; }

        /// <summary>Of two members for one field the one with the lower rank counts.</summary>
        public int Rank { get; set; }

        public bool HasChildren => _exact.Dictionary.Count > 0;

        public Node Child(byte[] name, bool isLoose)
        {
            var loose = LooseName.Of(name, stackalloc byte[LooseName.MaxLength]);
            if (!_exact.TryGetValue(name, out var child))
            {
                // A path in the settings through Value must not hide the usual name value, if that is not an object.
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

        /// <param name="isExact">False if the name is another spelling.</param>
        public Node? Find(ReadOnlySpan<byte> name, out bool isExact) =>
            (isExact = _exact.TryGetValue(name, out var child)) || _loose.TryGetValue(LooseName.Of(name, stackalloc byte[LooseName.MaxLength]), out child) ? child : null;
    }
}
