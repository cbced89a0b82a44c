using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>
/// Sends a request of Kafka's protocol on a separate connection. The client library does not support DescribeQuorum (KIP-595) and DescribeLogDirs (KIP-827);
/// both are sent in versions with compact fields. The connection is not authenticated, so secured brokers cannot be queried.
/// </summary>
internal static class BrokerRequest
{
    private const int MaximumAnswer = 16 * 1024 * 1024;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);
    private static readonly byte[] ClientId = "monitoring-api"u8.ToArray();

    /// <returns>The response without its size, starting at the correlation id; null if the broker does not respond within 1 s.</returns>
    public static async Task<byte[]?> SendAsync(BrokerMeasurement broker, short apiKey, short version, byte[] body, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(broker.Host, broker.Port, limit.Token);
            var stream = socket.GetStream();
            await stream.WriteAsync(Message(apiKey, version, body), limit.Token);
            var size = new byte[4];
            await stream.ReadExactlyAsync(size, limit.Token);
            if (BinaryPrimitives.ReadInt32BigEndian(size) is var length && length is <= 0 or > MaximumAnswer) return null;
            var answer = new byte[length];
            await stream.ReadExactlyAsync(answer, limit.Token);
            return answer;
        }
        catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Size, header version 2 (API key, version, correlation id 1, client id, no tagged fields), body.</summary>
    private static byte[] Message(short apiKey, short version, byte[] body)
    {
        byte[] rest = [.. Short(apiKey), .. Short(version), 0, 0, 0, 1, .. Short((short)ClientId.Length), .. ClientId, 0, .. body];
        var size = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(size, rest.Length);
        return [.. size, .. rest];
    }

    private static byte[] Short(short value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        return bytes;
    }
}

/// <summary>Reads the fields of a response in order.</summary>
/// <exception cref="InvalidDataException">Thrown by every method if the response is truncated or a length is invalid.</exception>
internal ref struct AnswerReader(ReadOnlySpan<byte> answer)
{
    private ReadOnlySpan<byte> _left = answer;

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    public bool Boolean() => Take(1)[0] != 0;

    /// <summary>A compact string; null is read as empty.</summary>
    public string String() => Encoding.UTF8.GetString(Take(Count()));

    /// <summary>The number of elements of a compact array, or of bytes of a compact string; 0 for null.</summary>
    public int Count() => Math.Max(0, Unsigned() - 1);

    public void SkipTags()
    {
        for (var tags = Unsigned(); tags > 0; tags--)
        {
            Unsigned();
            Take(Unsigned());
        }
    }

    private int Unsigned()
    {
        var value = 0;
        for (var shift = 0; shift < 28; shift += 7)
        {
            var part = Take(1)[0];
            value |= (part & 0x7f) << shift;
            if (part < 0x80) return value;
        }
        throw new InvalidDataException("a length of more than four bytes");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _left.Length) throw new InvalidDataException($"{count} bytes wanted, {_left.Length} left");
        var taken = _left[..count];
        _left = _left[count..];
        return taken;
    }
}
