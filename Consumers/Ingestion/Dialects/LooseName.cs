namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Names and words in the spellings of producers: sensor_id, sensorId, SensorID and sensor-id are the same.</summary>
internal static class LooseName
{
    public const int MaxLength = 48;

    /// <summary>Writes <paramref name="name"/> in lower case without spaces, underscores, hyphens and plus signs.</summary>
    /// <param name="loose">Has space for <see cref="MaxLength"/> bytes.</param>
    /// <returns>What was written; empty if the name is longer than any known one.</returns>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> name, Span<byte> loose)
    {
        if (name.Length > MaxLength)
        {
            return [];
        }

        var length = 0;
        foreach (var character in name)
        {
            if (character is not ((byte)' ' or (byte)'_' or (byte)'-' or (byte)'+'))
            {
                loose[length++] = character is >= (byte)'A' and <= (byte)'Z' ? (byte)(character | 0x20) : character;
            }
        }

        return loose[..length];
    }

    /// <summary>Creates a dictionary of such names that can be searched by spans of bytes.</summary>
    public static Dictionary<byte[], T>.AlternateLookup<ReadOnlySpan<byte>> Lookup<T>() =>
        new Dictionary<byte[], T>(Utf8Comparer.Instance).GetAlternateLookup<ReadOnlySpan<byte>>();
}
