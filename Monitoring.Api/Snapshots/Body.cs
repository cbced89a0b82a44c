using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>A body as it is served: serialised once, however often it is asked for.</summary>
internal class Body(byte[] utf8)
{
    public byte[] Utf8 { get; } = utf8;

    /// <summary>Of the content, so that an unchanged body is a 304 over restarts and from every process alike.</summary>
    public string ETag { get; } = $"\"{Convert.ToHexStringLower(SHA256.HashData(utf8).AsSpan(0, 12))}\"";
}

internal sealed class Body<T>(T value, JsonTypeInfo<T> type) : Body(JsonSerializer.SerializeToUtf8Bytes(value, type))
{
    public T Value { get; } = value;
}
