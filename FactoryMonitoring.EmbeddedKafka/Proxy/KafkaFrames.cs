using System.Buffers.Binary;

namespace FactoryMonitoring.EmbeddedKafka.Proxy;

/// <summary>
/// Parses one direction of a connection in Kafka's protocol, whose requests and answers each are a length (int32, big-endian) and that many bytes.
/// </summary>
/// <param name="headSize">How many of the bytes after the length are kept, in bytes.</param>
/// <param name="onEnd">Called with those bytes when the last byte of a request or an answer has passed; the array is reused.</param>
internal sealed class KafkaFrames(int headSize, Action<byte[]> onEnd)
{
    private const int LengthSize = 4;
    private readonly byte[] _length = new byte[LengthSize];
    private readonly byte[] _head = new byte[headSize];
    private int _lengthRead;
    private int _bodyRead;
    private int _bodySize;

    public void Follow(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_lengthRead < LengthSize)
            {
                _length[_lengthRead++] = bytes[0];
                bytes = bytes[1..];
                if (_lengthRead == LengthSize) _bodySize = BinaryPrimitives.ReadInt32BigEndian(_length);
                continue;
            }
            var part = bytes[..Math.Min(bytes.Length, _bodySize - _bodyRead)];
            if (_bodyRead < headSize) part[..Math.Min(part.Length, headSize - _bodyRead)].CopyTo(_head.AsSpan(_bodyRead));
            _bodyRead += part.Length;
            bytes = bytes[part.Length..];
            if (_bodyRead < _bodySize) continue;
            onEnd(_head);
            _lengthRead = _bodyRead = 0;
        }
    }
}
