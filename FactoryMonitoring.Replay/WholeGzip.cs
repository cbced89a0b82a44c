using System.IO.Compression;

namespace FactoryMonitoring.Replay;

/// <summary>Thrown when the compressed data end before they are complete.</summary>
internal sealed class CutGzipException() : IOException("the compressed data end before they are complete");

/// <summary>
/// Decompresses gzip, and detects whether it is complete: .NET accepts data that are truncated at the end of a block. A marker member is read after the
/// file. If it is decompressed unchanged, the last member of the file is complete; otherwise it is truncated.
/// </summary>
internal sealed class WholeGzip : ForwardStream
{
    private static readonly byte[] Mark = "the end of a file that was read by Factory Monitoring"u8.ToArray();
    private static readonly byte[] MarkPacked = Pack(Mark);

    private readonly Marked _packed;
    private readonly GZipStream _content;
    private bool _isOver;

    /// <param name="file">The compressed file, which is disposed of with this stream.</param>
    public WholeGzip(Stream file)
    {
        _packed = new Marked(file);
        _content = new GZipStream(_packed, CompressionMode.Decompress);
    }

    /// <exception cref="CutGzipException">The file is truncated.</exception>
    /// <exception cref="InvalidDataException">The data are damaged.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_isOver || buffer.IsEmpty)
        {
            return 0;
        }

        var read = 0;
        try
        {
            read = _content.Read(buffer);
            if (!_packed.IsPast)
            {
                return read;
            }

            // The content of the file has been returned: this is the marker member, or what it was decompressed to.
            var tail = new byte[Mark.Length + 1];
            var length = Math.Min(read, tail.Length);
            buffer[..length].CopyTo(tail);
            if (length < tail.Length)
            {
                length += _content.ReadAtLeast(tail.AsSpan(length), tail.Length - length, throwOnEndOfStream: false);
            }

            _isOver = tail.AsSpan(0, length).SequenceEqual(Mark);
        }
        catch (InvalidDataException) when (_packed.IsPast)
        {
            // The marker member cannot be decompressed: the file is truncated.
        }

        return _isOver ? 0 : throw new CutGzipException();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _content.Dispose();
        }

        base.Dispose(disposing);
    }

    private static byte[] Pack(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    /// <summary>The file, followed by the marker in a separate read.</summary>
    private sealed class Marked(Stream file) : ForwardStream
    {
        private int _given;

        /// <summary>Whether the file was read to its end.</summary>
        public bool IsPast { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            if (!IsPast && file.Read(buffer) is > 0 and var read)
            {
                return read;
            }

            IsPast = true;
            var rest = MarkPacked.AsSpan(_given);
            rest = rest[..Math.Min(rest.Length, buffer.Length)];
            rest.CopyTo(buffer);
            _given += rest.Length;
            return rest.Length;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                file.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
