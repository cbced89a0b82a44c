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
    private int _start;

    public Found this[Member member] => _found[(int)member];

    /// <summary>The values of <see cref="MappingOptions.Values"/>, in the order of their types.</summary>
    public ReadOnlySpan<Found> Measured => _found.AsSpan((int)Member.Measured);

    /// <param name="message">A JSON object.</param>
    /// <exception cref="JsonException">The message is not a JSON object.</exception>
    public void Find(ReadOnlySpan<byte> message)
    {
        System.Array.Clear(_found);
        _start = 0;
        Read(message);
    }

    /// <summary>Applies the members found so far to each following element that does not have them itself.</summary>
    /// <param name="withCount">Includes the reading's number: the elements are of the same moment.</param>
    public void Share(bool withCount)
    {
        for (var i = 0; i < _found.Length; i++)
        {
            var isShared = i < (int)Member.Measured && (!OfOneValue.Contains((Member)i) || (withCount && i == (int)Member.Count));
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

    private void Read(ReadOnlySpan<byte> message)
    {
        var json = new Utf8JsonReader(message);
        json.Read();
        Object(ref json, map.Root);
        // Anything after the object makes the reader throw.
        json.Read();
    }

    private void Object(ref Utf8JsonReader json, MemberMap.Node node)
    {
        Span<byte> unescaped = stackalloc byte[MaxEscapedName];
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            scoped var name = json.ValueSpan;
            if (json.ValueIsEscaped)
            {
                name = name.Length > MaxEscapedName ? [] : unescaped[..json.CopyString(unescaped)];
            }

            var child = node.Find(name);
            json.Read();
            Value(ref json, child);
        }
    }

    private void Array(ref Utf8JsonReader json, MemberMap.Node node)
    {
        Span<byte> name = stackalloc byte[10];
        for (var index = 0; json.Read() && json.TokenType != JsonTokenType.EndArray; index++)
        {
            Utf8Formatter.TryFormat(index, name, out var length);
            Value(ref json, node.Find(name[..length]));
        }
    }

    private void Value(ref Utf8JsonReader json, MemberMap.Node? node)
    {
        if (node is { HasChildren: true } && json.TokenType == JsonTokenType.StartObject)
        {
            Object(ref json, node);
            return;
        }

        if (node is { HasChildren: true } && json.TokenType == JsonTokenType.StartArray && node.Member is null)
        {
            Array(ref json, node);
            return;
        }

        var (type, start) = (json.TokenType, (int)json.TokenStartIndex);
        json.Skip();
        if (node?.Member is not { } member)
        {
            return;
        }

        // Of members with the same name the last counts, of several names the one that is first in the map; null counts as missing.
        ref var found = ref _found[(int)member];
        if (found.IsMissing || (type != JsonTokenType.Null && node.Rank <= found.Rank))
        {
            found = new Found(type, _start + start, (int)json.BytesConsumed - start, node.Rank);
        }
    }
}
