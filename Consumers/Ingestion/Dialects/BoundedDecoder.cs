using System.Text;
using Avro;
using Avro.IO;
using Decoder = Avro.IO.Decoder;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Avro's decoder of binary messages, which allocates as much as a message says that it holds. This one believes no more than the message has bytes.</summary>
internal sealed class BoundedDecoder(MemoryStream message) : BinaryDecoder(message), Decoder
{
    long Decoder.ReadArrayStart() => Check(ReadArrayStart());

    long Decoder.ReadArrayNext() => Check(ReadArrayNext());

    long Decoder.ReadMapStart() => Check(ReadMapStart());

    long Decoder.ReadMapNext() => Check(ReadMapNext());

    byte[] Decoder.ReadBytes() => ReadCounted();

    string Decoder.ReadString() => Encoding.UTF8.GetString(ReadCounted());

    private byte[] ReadCounted()
    {
        var bytes = new byte[Check(ReadLong())];
        ReadFixed(bytes);
        return bytes;
    }

    private long Check(long count) => count >= 0 && count <= message.Length
        ? count
        : throw new AvroException($"a length of {count} does not fit into {message.Length} bytes");
}
