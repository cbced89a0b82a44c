using System.Text;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>NaN and Infinity without quotation marks, as Python, C's printf and others write them: not valid JSON, but unambiguous.</summary>
internal static class BareWords
{
    /// <summary>In any case, with or without a sign; a longer one precedes its beginning.</summary>
    private static readonly byte[][] Spellings = [.. "nan(snan) nan(ind) nan infinity inf".Split(' ').Select(Encoding.UTF8.GetBytes)];

    /// <summary>Adds quotation marks to each.</summary>
    /// <returns>Null if there is none, or the message cannot be read at all.</returns>
    public static byte[]? Quote(ReadOnlySpan<byte> message)
    {
        if (message.Length > ReadingParser.MaxBytes || message.TrimStart(" \t\r\n"u8) is not [(byte)'{' or (byte)'[', ..])
        {
            return null;
        }

        List<byte>? quoted = null;
        var (isText, copied) = (false, 0);
        for (var at = 0; at < message.Length; at++)
        {
            var character = message[at];
            if (character == '"')
            {
                isText = !isText;
            }
            else if (isText)
            {
                at += character == '\\' ? 1 : 0;
            }
            else if (LengthOfWord(message[at..]) is > 0 and var word)
            {
                quoted ??= new List<byte>(message.Length + 16);
                quoted.AddRange([.. message[copied..at], (byte)'"', .. message.Slice(at, word), (byte)'"']);
                copied = at + word;
                at = copied - 1;
            }
        }

        return quoted is null ? null : [.. quoted, .. message[copied..]];
    }

    private static int LengthOfWord(ReadOnlySpan<byte> text)
    {
        var sign = text[0] is (byte)'-' or (byte)'+' ? 1 : 0;
        if (text.Length == sign || text[sign] is not ((byte)'n' or (byte)'N' or (byte)'i' or (byte)'I'))
        {
            return 0;
        }

        foreach (var spelling in Spellings)
        {
            if (text.Length >= sign + spelling.Length && Ascii.EqualsIgnoreCase(text.Slice(sign, spelling.Length), spelling))
            {
                return sign + spelling.Length;
            }
        }

        return 0;
    }
}
