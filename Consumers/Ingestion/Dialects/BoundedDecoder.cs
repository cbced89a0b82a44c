using System.Runtime.CompilerServices;
using System.Text;
using Avro;
using Avro.IO;
using Decoder = Avro.IO.Decoder;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>
/// Avro's decoder of binary messages allocates as much as a message claims to contain, and follows a recursive schema as deep as a message goes.
/// This one limits the sum of all lengths in a message to its size in bytes, and does not exhaust the stack.
/// </summary>
internal sealed class BoundedDecoder(MemoryStream message) : BinaryDecoder(message), Decoder
{
    private long _left = message.Length;

    int Decoder.ReadUnionIndex()
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return ReadUnionIndex();
    }

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

    private long Check(long count)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        _left = count >= 0 && count <= _left ? _left - count : throw new AvroException($"a length of {count} does not fit into {message.Length} bytes");
        return count;
    }
}
