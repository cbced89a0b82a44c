using System.Security.Cryptography;
using Confluent.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>The stored part of a message's value: its beginning, and its identification. The log contains the whole value, until its retention.</summary>
/// <param name="Bytes">At most the first <see cref="MaxBytes"/>; null if the message has no value.</param>
/// <param name="Size">The size of the whole value, in bytes.</param>
/// <param name="Sha256">The hash of the whole value, in hexadecimal.</param>
internal sealed record KeptValue(byte[]? Bytes, int Size, string Sha256)
{
    public const int MaxBytes = 64 * 1024;

    /// <summary>For a message that cannot be read at all.</summary>
    public static readonly KeptValue Unknown = new(null, 0, "");

    public static KeptValue Of(ReadOnlySpan<byte> value, bool isNull) =>
        new(isNull ? null : value[..Math.Min(value.Length, MaxBytes)].ToArray(), value.Length, Convert.ToHexStringLower(SHA256.HashData(value)));

    /// <summary>Copies the stored part out of the client's memory, without copying the rest.</summary>
    public sealed class Deserializer : IDeserializer<KeptValue>
    {
        public KeptValue Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => Of(data, isNull);
    }
}
