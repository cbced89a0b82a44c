using CsvHelper;

namespace FactoryMonitoring.Replay;

/// <summary>Configures CsvHelper for these files; quoted fields may contain separators and line breaks.</summary>
internal static class Csv
{
    /// <summary>Maximum size of a row, in bytes: a longer one results from an unclosed quote.</summary>
    public const int MaxRow = 1024 * 1024;

    /// <summary>The separators that are tried; if two fit equally well, the earlier one is used.</summary>
    public static readonly char[] Separators = ['\t', ';', ',', '|', ' '];

    /// <param name="isWhole">Whether the text is the whole file and not only its beginning: an unclosed quote in it is refused.</param>
    /// <param name="isTrimmed">Whether blanks at the ends of fields and before a quote are removed.</param>
    public static CsvReader Read(TextReader text, char separator, bool isWhole = false, bool isTrimmed = true) => CsvReader.Create(
        isWhole ? new QuotesReader(Plain(text, separator), separator) : Plain(text, separator),
        new CsvReaderOptions { Separator = separator, HasHeader = false, TrimWhitespace = isTrimmed, MaxRecordSize = MaxRow, TrackLineNumbers = true });

    /// <exception cref="ReplayFileException">A quote is opened and never closed.</exception>
    public static void CheckQuotes(string text, char separator)
    {
        using var reader = new QuotesReader(Plain(new StringReader(text), separator), separator);
        var buffer = new char[32 * 1024];
        while (reader.Read(buffer.AsSpan()) > 0)
        {
            // The reader throws at the end of the text.
        }
    }

    private static TextReader Plain(TextReader text, char separator) => separator == ' ' ? new BlanksReader(new CommentsReader(text)) : new CommentsReader(text);

    public static string NameOf(char separator) => separator switch
    {
        '\t' => "tab",
        ';' => "semicolon",
        ',' => "comma",
        '|' => "pipe",
        ' ' => "space",
        _ => separator.ToString(),
    };

    /// <summary>Returns whether a row that begins with this field is a comment, or a mark of WinCC: $RT_OFF$, $RT_COUNT$.</summary>
    public static bool IsComment(string first) =>
        first.StartsWith('#') || first.StartsWith('%') || first.StartsWith("//", StringComparison.Ordinal) || (first.StartsWith("$RT_", StringComparison.Ordinal) && first.EndsWith('$'));

    /// <summary>A text that is changed block by block while it is read.</summary>
    private abstract class ChangedText(TextReader text) : TextReader
    {
        protected TextReader Text => text;

        public override int Read() => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                text.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    /// <summary>Replaces quotes in comments, where they need not be closed, by apostrophes.</summary>
    private sealed class CommentsReader(TextReader text) : ChangedText(text)
    {
        private bool _isLineBegun;
        private bool _isComment;

        public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

        public override int Read(Span<char> buffer)
        {
            var read = Math.Max(0, Text.Read(buffer));
            var rest = buffer[..read];
            while (!rest.IsEmpty)
            {
                if (!_isLineBegun)
                {
                    _isComment = rest[0] is '#' or '%';
                    _isLineBegun = true;
                }

                var end = rest.IndexOfAny('\n', '\r');
                var line = end < 0 ? rest : rest[..end];
                if (_isComment)
                {
                    line.Replace('"', '\'');
                }

                _isLineBegun = end < 0;
                rest = end < 0 ? [] : rest[(end + 1)..];
            }

            return read;
        }
    }

    /// <summary>Refuses a text that ends within quotes: everything after the quote would be part of its field.</summary>
    private sealed class QuotesReader(TextReader text, char separator) : ChangedText(text)
    {
        private bool _isFieldBegun;
        private bool _isQuoted;
        private bool _isQuoteLast;
        private bool _isReturnLast;
        private long _line = 1;
        private long _openedAt;

        public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

        public override int Read(Span<char> buffer)
        {
            var read = Math.Max(0, Text.Read(buffer));
            if (read == 0 && !buffer.IsEmpty && _isQuoted && !_isQuoteLast)
            {
                throw new ReplayFileException(Format.Text($"line {_openedAt}: a quote is opened here and never closed: close it, or remove it"));
            }

            Follow(buffer[..read]);
            return read;
        }

        private void Follow(ReadOnlySpan<char> rest)
        {
            while (!rest.IsEmpty)
            {
                if (_isQuoteLast)
                {
                    // Two quotes within quotes are one quote in the text.
                    _isQuoteLast = false;
                    _isQuoted = rest[0] == '"';
                    rest = _isQuoted ? rest[1..] : rest;
                    continue;
                }

                var quote = rest.IndexOf('"');
                var before = quote < 0 ? rest : rest[..quote];
                Count(before);
                // Blanks before a quote are not part of a field.
                var last = separator == ' ' ? before : before.TrimEnd(separator == '\t' ? " " : " \t");
                if (!_isQuoted && !last.IsEmpty)
                {
                    _isFieldBegun = last[^1] != separator && last[^1] is not ('\n' or '\r');
                }

                if (quote < 0)
                {
                    return;
                }

                if (_isQuoted)
                {
                    _isQuoteLast = true;
                }
                else if (!_isFieldBegun)
                {
                    (_isQuoted, _openedAt) = (true, _line);
                }

                _isFieldBegun = true;
                rest = rest[(quote + 1)..];
            }
        }

        // Lines end with LF, CR LF or CR.
        private void Count(ReadOnlySpan<char> text)
        {
            if (text.IsEmpty)
            {
                return;
            }

            var returns = text.Count('\r');
            _line += text.Count('\n') - (_isReturnLast && text[0] == '\n' ? 1 : 0);
            _line += returns == 0 ? 0 : returns - text.Count("\r\n");
            _isReturnLast = text[^1] == '\r';
        }
    }

    /// <summary>Replaces several blanks by one, and removes blanks at the ends of lines.</summary>
    private sealed class BlanksReader(TextReader text) : ChangedText(text)
    {
        private readonly char[] _buffer = new char[32 * 1024];
        private int _at;
        private int _end;
        private bool _isLineBegun;
        private bool _isBlankDue;

        public override int Read(char[] buffer, int index, int count)
        {
            var written = 0;
            while (written < count)
            {
                if (_at == _end)
                {
                    (_at, _end) = (0, Text.Read(_buffer, 0, _buffer.Length));
                    if (_end <= 0)
                    {
                        _end = 0;
                        break;
                    }
                }

                var next = _buffer[_at];
                if (next is ' ' or '\t')
                {
                    _isBlankDue = _isLineBegun;
                    _at++;
                    continue;
                }

                if (_isBlankDue && next is not ('\r' or '\n'))
                {
                    _isBlankDue = false;
                    buffer[index + written++] = ' ';
                    continue;
                }

                _isBlankDue = false;
                _isLineBegun = next is not ('\r' or '\n');
                buffer[index + written++] = next;
                _at++;
            }

            return written;
        }

        public override int Read(Span<char> buffer)
        {
            var array = new char[buffer.Length];
            var read = Read(array, 0, array.Length);
            array.AsSpan(0, read).CopyTo(buffer);
            return read;
        }
    }
}
