using System.Globalization;

namespace FactoryMonitoring.Monitoring.Web;

/// <summary>Reads the parameters of an address, which anybody can type: a value that cannot be read counts as absent, so that the page shows its default.</summary>
internal static class Query
{
    public static int? Integer(string? value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static long? Long(string? value) => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Reads a time as the API does: without a zone it is UTC.</summary>
    public static DateTimeOffset? Time(string? value) =>
        DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;
}
