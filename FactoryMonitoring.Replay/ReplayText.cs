using System.IO.Compression;
using System.Text;

namespace FactoryMonitoring.Replay;

/// <summary>Reads the text of a file, plain or gzip, in its encoding.</summary>
internal sealed class ReplayText : IDisposable
{
    private const int PrefixBytes = 64 * 1024;
    private const int BufferBytes = 128 * 1024;

    /// <summary>First bytes of files that are not CSV.</summary>
    private static readonly (byte[] Magic, string What)[] Foreign =
    [
        ([0x50, 0x4B, 0x03, 0x04], "a zip archive or an Excel workbook: unpack it, or save the sheet as CSV"),
        ([0xD0, 0xCF, 0x11, 0xE0], "an Excel workbook: save the sheet as CSV"),
        ([0x42, 0x5A, 0x68], "compressed by bzip2: unpack it, or compress it by gzip"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "compressed by xz: unpack it, or compress it by gzip"),
        ([0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd: unpack it, or compress it by gzip"),
        ([0x37, 0x7A, 0xBC, 0xAF], "a 7z archive: unpack it"),
        ([0x50, 0x41, 0x52, 0x31], "a Parquet file: convert it to CSV"),
        ([0x89, 0x48, 0x44, 0x46], "an HDF5 file: convert it to CSV"),
        ("SQLite format"u8.ToArray(), "a SQLite database: export a table as CSV"),
        ("MATLAB 5"u8.ToArray(), "a MATLAB file: export it as CSV"),
        ("<!"u8.ToArray(), "a web page or XML: download the CSV file itself"),
        ("<html"u8.ToArray(), "a web page: download the CSV file itself"),
        ("<?xml"u8.ToArray(), "XML: convert it to CSV"),
        ("version https://git-lfs"u8.ToArray(), "a pointer of Git LFS: fetch the file itself (git lfs pull)"),
    ];

    private readonly FileStream _file;

    private ReplayText(FileStream file, Stream content, Encoding encoding, bool isGzip)
    {
        _file = file;
        Reader = new StreamReader(content, encoding, detectEncodingFromByteOrderMarks: true, BufferBytes);
        IsGzip = isGzip;
        Encoding = encoding.CodePage == 65001 ? "UTF-8" : encoding.WebName is "utf-16" ? "UTF-16" : encoding.WebName is "windows-1252" ? "Windows-1252" : encoding.WebName.ToUpperInvariant();
    }

    public TextReader Reader { get; }

    public bool IsGzip { get; }

    public string Encoding { get; }

    /// <summary>Size on disk, and position in it, in bytes.</summary>
    public long Length => _file.Length;

    public long Position => _file.Position;

    /// <exception cref="ReplayFileException">The file cannot be read, or is not text.</exception>
    public static ReplayText Open(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                throw new ReplayFileException("is a directory: name a file");
            }

            var (prefix, isGzip) = Prefix(path);
            var encoding = EncodingOf(prefix);
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, BufferBytes, FileOptions.SequentialScan);
            return new ReplayText(file, isGzip ? new WholeGzip(file) : file, encoding, isGzip);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ReplayFileException($"cannot be read: {exception.Message}", exception);
        }
        catch (InvalidDataException exception)
        {
            throw new ReplayFileException("is damaged: it begins as gzip and cannot be unpacked; fetch it again", exception);
        }
    }

    public void Dispose()
    {
        Reader.Dispose();
        _file.Dispose();
    }

    private static (byte[] Prefix, bool IsGzip) Prefix(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var magic = new byte[2];
        var isGzip = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic is [0x1F, 0x8B];
        file.Position = 0;
        using Stream content = isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
        var prefix = new byte[PrefixBytes];
        return (prefix[..content.ReadAtLeast(prefix, PrefixBytes, throwOnEndOfStream: false)], isGzip);
    }

    private static Encoding EncodingOf(byte[] prefix)
    {
        foreach (var (magic, what) in Foreign)
        {
            if (prefix.AsSpan().StartsWith(magic))
            {
                throw new ReplayFileException($"is {what}");
            }
        }

        switch (prefix)
        {
            case [0xEF, 0xBB, 0xBF, ..]: return System.Text.Encoding.UTF8;
            case [0xFF, 0xFE, 0, 0, ..]: return System.Text.Encoding.UTF32;
            case [0xFF, 0xFE, ..]: return System.Text.Encoding.Unicode;
            case [0xFE, 0xFF, ..]: return System.Text.Encoding.BigEndianUnicode;
        }

        var nulls = new int[2];
        for (var i = 0; i < prefix.Length; i++)
        {
            nulls[i % 2] += prefix[i] == 0 ? 1 : 0;
        }

        if (nulls[0] + nulls[1] > 0)
        {
            // In UTF-16, text of Western languages has a NUL in nearly every second byte, and none in the others.
            return nulls[0] == 0 && nulls[1] > prefix.Length / 4 ? System.Text.Encoding.Unicode
                : nulls[1] == 0 && nulls[0] > prefix.Length / 4 ? System.Text.Encoding.BigEndianUnicode
                : throw new ReplayFileException("is no text: it holds NUL bytes; convert it to CSV");
        }

        // The last character may be truncated.
        var whole = prefix.Length < PrefixBytes ? prefix.Length : prefix.Length - 4;
        while (whole < prefix.Length && whole > 0 && (prefix[whole] & 0xC0) == 0x80)
        {
            whole--;
        }

        return System.Text.Unicode.Utf8.IsValid(prefix.AsSpan(0, whole)) ? System.Text.Encoding.UTF8 : CodePagesEncodingProvider.Instance.GetEncoding(1252)!;
    }
}
