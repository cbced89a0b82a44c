using System.Buffers.Text;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>The position of a member's value.</summary>
/// <param name="Type"><see cref="JsonTokenType.None"/> if the message has no such member.</param>
/// <param name="Start">The start of its text, including quotation marks, in bytes from the beginning of the message.</param>
/// <param name="Length">In bytes.</param>
internal readonly record struct Found(JsonTokenType Type, int Start, int Length, int Rank)
{
    public bool IsMissing => Type is JsonTokenType.None or JsonTokenType.Null;
}

/// <summary>Finds the members of a reading in a message, in one pass; for several readings, also the members that they share. Not thread-safe.</summary>
internal sealed class MemberFinder(MemberMap map)
{
    /// <summary>A longer escaped name is not one that is searched for.</summary>
    private const int MaxEscapedName = 256;

    /// <summary>Members that belong to one value: none of them applies to the elements of an array beside it.</summary>
    private static readonly Member[] OfOneValue = [Member.Value, Member.Level, Member.Count, Member.Warning, Member.Critical, Member.Readings, Member.Part, Member.Place];

    private readonly Found[] _found = new Found[map.Count];
    private readonly Found[] _shared = new Found[map.Count];
    private readonly Found[] _rivals = new Found[map.Count];
    private int _start;

    /// <summary>The first field that one name, or two other spellings of it, gives different values; null if there is none, or the exact name decides.</summary>
    public (Member Member, Found One, Found Other)? Conflict
    {
        get
        {
            var member = System.Array.FindIndex(_rivals, rival => !rival.IsMissing);
            return member < 0 ? null : ((Member)member, _rivals[member], _found[member]);
        }
    }

    public Found this[Member member] => _found[(int)member];

    /// <summary>Whether time, id, type and value of the object that was searched last are there under the contract's exact names, and not only in the object around it.</summary>
    public bool IsContract => IsExact(Member.Time) && IsExact(Member.Id) && IsExact(Member.Type) && IsExact(Member.Value);

    /// <summary>The values of <see cref="MappingOptions.Values"/>, in the order of their types.</summary>
    public ReadOnlySpan<Found> Measured => _found.AsSpan((int)Member.Measured);

    /// <param name="message">A JSON object.</param>
    /// <exception cref="JsonException">The message is not a JSON object.</exception>
    public void Find(ReadOnlySpan<byte> message)
    {
        System.Array.Clear(_found);
        System.Array.Clear(_rivals);
        _start = 0;
        Read(message);
    }

    /// <summary>Applies the members found so far to each following element that does not have them itself.</summary>
    /// <param name="isFormed">The elements are the values of a form: all are of the same reading's number, and each has its own unit or its type's.</param>
    public void Share(bool isFormed)
    {
        for (var i = 0; i < _found.Length; i++)
        {
            var isShared = i < (int)Member.Measured && (isFormed ? i == (int)Member.Count || (i != (int)Member.Unit && !OfOneValue.Contains((Member)i)) : !OfOneValue.Contains((Member)i));
            _shared[i] = isShared ? _found[i] with { Rank = int.MaxValue } : default;
        }
    }

    /// <summary>Finds the members of an array element that is an object, at their positions in the message.</summary>
    public void FindElement(ReadOnlySpan<byte> message, int start, int length)
    {
        _shared.CopyTo(_found, 0);
        _start = start;
        Read(message.Slice(start, length));
    }

    private bool IsExact(Member member) => _found[(int)member] is { IsMissing: false, Rank: 2 * MemberMap.FirstRank };

    private void Read(ReadOnlySpan<byte> message)
    {
        var json = new Utf8JsonReader(message);
        json.Read();
        Object(ref json, message, map.Root, isExact: true);
        // Anything after the object makes the reader throw.
        json.Read();
    }

    private void Object(ref Utf8JsonReader json, ReadOnlySpan<byte> message, MemberMap.Node node, bool isExact)
    {
        Span<byte> unescaped = stackalloc byte[MaxEscapedName];
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            scoped var name = json.ValueSpan;
            if (json.ValueIsEscaped)
            {
                name = name.Length > MaxEscapedName ? [] : unescaped[..json.CopyString(unescaped)];
            }

            var child = node.Find(name, out var isNamed);
            json.Read();
            Value(ref json, message, child, isExact && isNamed);
        }
    }

    private void Array(ref Utf8JsonReader json, ReadOnlySpan<byte> message, MemberMap.Node node, bool isExact)
    {
        Span<byte> name = stackalloc byte[10];
        for (var index = 0; json.Read() && json.TokenType != JsonTokenType.EndArray; index++)
        {
            Utf8Formatter.TryFormat(index, name, out var length);
            Value(ref json, message, node.Find(name[..length], out _), isExact);
        }
    }

    private void Value(ref Utf8JsonReader json, ReadOnlySpan<byte> message, MemberMap.Node? node, bool isExact)
    {
        if (node is { HasChildren: true } && json.TokenType == JsonTokenType.StartObject)
        {
            Object(ref json, message, node, isExact);
            return;
        }

        if (node is { HasChildren: true } && json.TokenType == JsonTokenType.StartArray && node.Member is null)
        {
            Array(ref json, message, node, isExact);
            return;
        }

        var (type, start) = (json.TokenType, (int)json.TokenStartIndex);
        json.Skip();
        if (node?.Member is not { } member)
        {
            return;
        }

        // Of several names the one that is first in the map counts, and of its spellings the exact one; null counts as missing.
        ref var found = ref _found[(int)member];
        var rank = (2 * node.Rank) + (isExact ? 0 : 1);
        if (found.IsMissing || (type != JsonTokenType.Null && rank <= found.Rank))
        {
            var next = new Found(type, _start + start, (int)json.BytesConsumed - start, rank);
            var isRepeated = !found.IsMissing && rank == found.Rank;
            if (!isRepeated)
            {
                _rivals[(int)member] = default;
            }
            else if (!IsSame(message, member, found, next))
            {
                _rivals[(int)member] = found;
            }

            found = next;
        }
    }

    // The values of a form follow whatever the message has under their name.
    private bool IsSame(ReadOnlySpan<byte> message, Member member, in Found one, in Found other) =>
        (member == Member.Readings && map.IsOfForm) || TextOf(message, one).SequenceEqual(TextOf(message, other));

    private ReadOnlySpan<byte> TextOf(ReadOnlySpan<byte> message, in Found found) => message.Slice(found.Start - _start, found.Length);
}
