using System.Globalization;
using System.Text;
using FactoryMonitoring.Replay;

namespace FactoryMonitoring.Tests.Unit.Replay;

/// <summary>Writes small files, checks them and reads them.</summary>
public abstract class ReplayFileTest : IDisposable
{
    private readonly List<string> _files = [];

    public void Dispose()
    {
        _files.ForEach(System.IO.File.Delete);
        GC.SuppressFinalize(this);
    }

    protected string File(string text, Encoding? encoding = null)
    {
        var encoded = encoding ?? new UTF8Encoding(false);
        return File([.. encoded.GetPreamble(), .. encoded.GetBytes(text)]);
    }

    protected string File(byte[] bytes)
    {
        var path = Path.GetTempFileName();
        _files.Add(path);
        System.IO.File.WriteAllBytes(path, bytes);
        return path;
    }

    protected static ReplayPlan Check(string path, ReplayOptions? options = null)
    {
        options ??= new ReplayOptions();
        options.File = path;
        return ReplayPlan.Check(options, name => name);
    }

    protected ReplayPlan CheckText(string text, ReplayOptions? options = null) => Check(File(text), options);

    protected string Refused(string text, ReplayOptions? options = null) => Assert.Throws<ReplayFileException>(() => CheckText(text, options)).Message;

    /// <summary>Returns each row as "time value value", with times in UTC.</summary>
    protected static string[] Rows(ReplayPlan plan) =>
    [
        .. plan.Read().Select(row => string.Join(
            ' ',
            [
                row.Time?.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFF", CultureInfo.InvariantCulture) ?? "-",
                .. row.Values.Select(value => double.IsNaN(value) ? "_" : value.ToString(CultureInfo.InvariantCulture)),
            ])),
    ];
}
