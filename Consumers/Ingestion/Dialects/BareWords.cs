namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>NaN and Infinity without quotation marks, as Python and others write them: not valid JSON, but unambiguous.</summary>
internal static class BareWords
{
    /// <summary>Adds quotation marks to each.</summary>
    /// <returns>Null if there is none, or the message cannot be read at all.</returns>
    public static byte[]? Quote(ReadOnlySpan<byte> message)
    {
        if (message.Length > ReadingParser.MaxBytes || message.TrimStart(" \t\r\n"u8) is not [(byte)'{' or (byte)'[', ..]
            || (message.IndexOf("NaN"u8) < 0 && message.IndexOf("Infinity"u8) < 0))
        {
            return null;
        }

        var quoted = new List<byte>(message.Length + 16);
        var (isText, isAny) = (false, false);
        for (var at = 0; at < message.Length; at++)
        {
            var character = message[at];
            var word = isText ? 0 : LengthOfWord(message[at..]);
            if (word > 0)
            {
                quoted.AddRange([(byte)'"', .. message.Slice(at, word), (byte)'"']);
                at += word - 1;
                isAny = true;
                continue;
            }

            quoted.Add(character);
            if (isText && character == '\\' && at + 1 < message.Length)
            {
                quoted.Add(message[++at]);
            }
            else if (character == '"')
            {
                isText = !isText;
            }
        }

        return isAny ? [.. quoted] : null;
    }

    private static int LengthOfWord(ReadOnlySpan<byte> text) =>
        text.StartsWith("NaN"u8) ? 3 : text.StartsWith("Infinity"u8) ? 8 : text.StartsWith("-Infinity"u8) ? 9 : 0;
}
