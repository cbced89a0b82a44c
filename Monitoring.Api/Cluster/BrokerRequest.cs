using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>
/// A request of Kafka's protocol on a connection of its own, for the few that the client library has no call for: DescribeQuorum (KIP-595) and
/// DescribeLogDirs (KIP-827), both in versions with compact fields. It signs in nowhere: secured brokers cannot be asked.
/// </summary>
internal static class BrokerRequest
{
    private const int MaximumAnswer = 16 * 1024 * 1024;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);
    private static readonly byte[] ClientId = "monitoring-api"u8.ToArray();

    /// <returns>The answer without its size, from the correlation id on; null where the broker gives none within a second.</returns>
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

/// <summary>Reads the fields of an answer in their order.</summary>
/// <exception cref="InvalidDataException">Every method: the answer ends before the field does, or a length is impossible.</exception>
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
