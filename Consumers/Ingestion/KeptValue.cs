using System.Security.Cryptography;
using Confluent.Kafka;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>What is kept of a message's value: its beginning, and what tells it from others. The log has all of it, for as long as it lasts.</summary>
/// <param name="Bytes">The first <see cref="MaxBytes"/> at most; null where the message has no value.</param>
/// <param name="Size">Of the whole value, in bytes.</param>
/// <param name="Sha256">Of the whole value, in hexadecimal.</param>
internal sealed record KeptValue(byte[]? Bytes, int Size, string Sha256)
{
    public const int MaxBytes = 64 * 1024;

    /// <summary>Of a message that cannot be read at all.</summary>
    public static readonly KeptValue Unknown = new(null, 0, "");

    public static KeptValue Of(ReadOnlySpan<byte> value, bool isNull) =>
        new(isNull ? null : value[..Math.Min(value.Length, MaxBytes)].ToArray(), value.Length, Convert.ToHexStringLower(SHA256.HashData(value)));

    /// <summary>Takes what is kept out of the client's memory, without a copy of the rest.</summary>
    public sealed class Deserializer : IDeserializer<KeptValue>
    {
        public KeptValue Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => Of(data, isNull);
    }
}
