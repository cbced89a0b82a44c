using System.Buffers.Text;
using System.Text.Json;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Where the value of a member lies.</summary>
/// <param name="Type"><see cref="JsonTokenType.None"/> where the message has none.</param>
/// <param name="Start">Of its text, quotation marks included, in bytes from the message's beginning.</param>
/// <param name="Length">In bytes.</param>
internal readonly record struct Found(JsonTokenType Type, int Start, int Length, int Rank)
{
    public bool IsMissing => Type is JsonTokenType.None or JsonTokenType.Null;
}

/// <summary>Finds the members of a reading in a message, in one pass. Of several readings it also finds what they share. Used by one thread.</summary>
internal sealed class MemberFinder(MemberMap map)
{
    /// <summary>An escaped name that is longer is none that is looked for.</summary>
    private const int MaxEscapedName = 256;

    /// <summary>What belongs to one value alone: none of these counts for the elements of an array beside it.</summary>
    private static readonly Member[] OfOneValue = [Member.Value, Member.Level, Member.Count, Member.Warning, Member.Critical, Member.Readings, Member.Part, Member.Place];

    private readonly Found[] _found = new Found[map.Count];
    private readonly Found[] _shared = new Found[map.Count];
    private int _start;

    public Found this[Member member] => _found[(int)member];

    /// <summary>The values of <see cref="MappingOptions.Values"/>, in the order of their types.</summary>
    public ReadOnlySpan<Found> Measured => _found.AsSpan((int)Member.Measured);

    /// <param name="message">A JSON object.</param>
    /// <exception cref="JsonException">It is none.</exception>
    public void Find(ReadOnlySpan<byte> message)
    {
        System.Array.Clear(_found);
        _start = 0;
        Read(message);
    }

    /// <summary>What has been found counts from now on for each element that has none of its own.</summary>
    /// <param name="withCount">The number of the reading, too: the elements are of one moment.</param>
    public void Share(bool withCount)
    {
        for (var i = 0; i < _found.Length; i++)
        {
            var isShared = i < (int)Member.Measured && (!OfOneValue.Contains((Member)i) || (withCount && i == (int)Member.Count));
            _shared[i] = isShared ? _found[i] with { Rank = int.MaxValue } : default;
        }
    }

    /// <summary>Finds the members of an element of an array in the message, which is an object; they lie where they lie in the message.</summary>
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
        // Anything behind the object makes the reader throw.
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

        // Of members of one name the last counts, of several names the one that comes first in the map; null is none.
        ref var found = ref _found[(int)member];
        if (found.IsMissing || (type != JsonTokenType.Null && node.Rank <= found.Rank))
        {
            found = new Found(type, _start + start, (int)json.BytesConsumed - start, node.Rank);
        }
    }
}
