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

/// <summary>Finds the members of a reading in a message, in one pass. Used by one thread.</summary>
internal sealed class MemberFinder(MemberMap map)
{
    /// <summary>An escaped name that is longer is none that is looked for.</summary>
    private const int MaxEscapedName = 256;

    private readonly Found[] _found = new Found[Enum.GetValues<Member>().Length];

    public Found this[Member member] => _found[(int)member];

    /// <param name="message">A JSON object.</param>
    /// <exception cref="JsonException">It is none.</exception>
    public void Find(ReadOnlySpan<byte> message)
    {
        System.Array.Clear(_found);
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
            found = new Found(type, start, (int)json.BytesConsumed - start, node.Rank);
        }
    }
}
