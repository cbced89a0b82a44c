namespace FactoryMonitoring.Monitoring.Api.Export;

/// <summary>Buffers what is written, counts the total, and passes it on in parts to a stream that has no position and no synchronous writes.</summary>
internal sealed class PartStream : Stream
{
    private readonly MemoryStream _part = new();
    private long _before;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => Position;

    public override long Position
    {
        get => _before + _part.Length;
        set => throw new NotSupportedException();
    }

    /// <summary>Passes on what has been written since the last call.</summary>
    public async Task DrainAsync(Stream stream, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(_part.GetBuffer().AsMemory(0, (int)_part.Length), cancellationToken);
        _before += _part.Length;
        _part.SetLength(0);
    }

    public override void Write(byte[] buffer, int offset, int count) => _part.Write(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => _part.Write(buffer);

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
