using CsvHelper;

namespace FactoryMonitoring.Replay;

/// <summary>Reads the rows of values of a file one by one, skipping everything before them, comments, empty rows and repeated headers.</summary>
internal sealed class RowReader : IDisposable
{
    private readonly ReplayText _text;
    private readonly CsvReader _reader;
    private readonly FileShape _shape;
    private char[] _chars = new char[256];
    private int _record;

    public RowReader(string path, FileShape shape)
    {
        _shape = shape;
        _text = ReplayText.Open(path);
        _reader = Csv.Read(_text.Reader, shape.Separator, isWhole: true, isTrimmed: !LongTable.IsOwnExport(shape));
    }

    /// <summary>The line of the row, starting at 1; the first line if a quoted field spans several.</summary>
    public long Line => _reader.LineNumber;

    /// <summary>Number of rows of values read so far.</summary>
    public long Row { get; private set; }

    public int Count => _reader.FieldCount;

    public long Comments { get; private set; }

    public long Blanks { get; private set; }

    public long RepeatedHeaders { get; private set; }

    /// <summary>Number of bytes of the file read so far.</summary>
    public long Position => _text.Position;

    public long Length => _text.Length;

    public bool IsGzip => _text.IsGzip;

    public string Encoding => _text.Encoding;

    /// <summary>A field, trimmed; empty if the row does not have it.</summary>
    public string this[int column] => _reader.GetString(column).Trim();

    /// <summary>Returns a field, not trimmed.</summary>
    public string Exact(int column) => _reader.GetString(column);

    /// <summary>Returns a field, trimmed; valid until another one is read.</summary>
    public ReadOnlySpan<char> Chars(int column)
    {
        // A text has no more characters in UTF-16 than bytes in UTF-8.
        if (_reader.GetSpan(column).Length is var length && length > _chars.Length)
        {
            _chars = new char[length];
        }

        return _chars.AsSpan(0, _reader.GetChars(column, _chars)).Trim();
    }

    /// <summary>Returns two fields as one name; valid until another one is read.</summary>
    public ReadOnlySpan<char> Chars(int column, int other) => (Chars(column).ToString(), Chars(other).ToString()) switch
    {
        ("", var two) => two,
        (var one, "") => one,
        var (one, two) => $"{one} / {two}",
    };

    public bool IsEmpty(int column) => _reader.GetSpan(column).Trim((byte)' ').IsEmpty;

    /// <exception cref="ReplayFileException">The rest of the file cannot be read, or a quote is not closed.</exception>
    public bool Read()
    {
        try
        {
            while (_reader.Read())
            {
                if (_record++ < _shape.FirstRecord)
                {
                    continue;
                }

                var first = this[0];
                if (Csv.IsComment(first))
                {
                    Comments++;
                }
                else if (first.Length == 0 && IsBlank())
                {
                    Blanks++;
                }
                else if (IsHeader(first))
                {
                    RepeatedHeaders++;
                }
                else
                {
                    Row++;
                    return true;
                }
            }

            return false;
        }
        catch (CsvFormatException exception)
        {
            throw new ReplayFileException(
                Format.Text($"line {Math.Max(Line, exception.LineNumber)}: a row of more than {Csv.MaxRow} bytes begins here or after it, as if a quote were never closed: close it, or remove it"), exception);
        }
        catch (CutGzipException exception)
        {
            throw new ReplayFileException(Format.Text($"line {Line + 1}: the file ends here in the middle of its compressed data, after {Length} bytes: it was cut off, fetch it again"), exception);
        }
        catch (InvalidDataException exception)
        {
            throw new ReplayFileException(Format.Text($"line {Line + 1}: the compressed data are damaged: fetch the file again"), exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ReplayFileException(Format.Text($"line {Line + 1}: cannot be read on: {exception.Message}"), exception);
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _text.Dispose();
    }

    private bool IsBlank()
    {
        for (var i = 1; i < _reader.FieldCount; i++)
        {
            if (!IsEmpty(i))
            {
                return false;
            }
        }

        return true;
    }

    private bool IsHeader(string first)
    {
        if (_shape.HeaderLine is null || _shape.FieldCount < 2 || first != _shape.HeaderText[0])
        {
            return false;
        }

        for (var i = 1; i < _reader.FieldCount; i++)
        {
            if (i >= _shape.HeaderText.Length || this[i] != _shape.HeaderText[i])
            {
                return false;
            }
        }

        return true;
    }
}
