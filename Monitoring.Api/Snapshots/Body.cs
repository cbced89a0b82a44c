using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>A body as it is served: serialized once, however often it is requested.</summary>
internal class Body(byte[] utf8)
{
    public byte[] Utf8 { get; } = utf8;

    /// <summary>Hash of the content, so that an unchanged body is a 304 across restarts and from every process.</summary>
    public string ETag { get; } = $"\"{Convert.ToHexStringLower(SHA256.HashData(utf8).AsSpan(0, 12))}\"";
}

internal sealed class Body<T>(T value, JsonTypeInfo<T> type) : Body(JsonSerializer.SerializeToUtf8Bytes(value, type))
{
    public T Value { get; } = value;
}
