using System.Globalization;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>A line of a terminal that is overwritten; without a terminal, a line for each tenth.</summary>
/// <param name="isRedirected">There is no terminal.</param>
internal sealed class ProgressBar(TextWriter output, bool isRedirected) : IDisposable
{
    private const int Width = 30;
    private int _shown;
    private int _tenth;

    /// <param name="share">0 to 1.</param>
    public void Show(double share, string words)
    {
        share = Math.Clamp(share, 0, 1);
        var percent = Math.Floor(share * 100);
        if (isRedirected)
        {
            if ((int)(share * 10) > _tenth)
            {
                _tenth = (int)(share * 10);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {percent,3} %  {words}"));
            }

            return;
        }

        var full = (int)(share * Width);
        var line = string.Create(CultureInfo.InvariantCulture, $"  [{new string('#', full)}{new string('.', Width - full)}] {percent,3} %  {words}");
        // A line longer than the terminal would wrap and could not be overwritten.
        line = line.Length > 119 ? line[..119] : line;
        output.Write($"\r{line.PadRight(_shown)}");
        _shown = line.Length;
    }

    /// <summary>Removes the line.</summary>
    public void Clear()
    {
        if (_shown > 0)
        {
            output.Write($"\r{new string(' ', _shown)}\r");
            _shown = 0;
        }
    }

    public void Dispose() => Clear();
}
