namespace FactoryMonitoring.Monitoring.Web;

/// <summary>The number and color of a consumer, derived from its name so that they do not change when it dies and comes back.</summary>
internal static class Owners
{
    private const int Colours = 6;

    /// <summary>Returns the number at the end of the name; 0 if there is none.</summary>
    public static int Number(string consumerId)
    {
        var digits = consumerId.Length;
        while (digits > 0 && char.IsAsciiDigit(consumerId[digits - 1])) digits--;
        return int.TryParse(consumerId.AsSpan(digits), out var number) ? number : 0;
    }

    /// <summary>Returns the label in a bar: the number, or the first letter of a name without a number.</summary>
    public static string Mark(string consumerId) =>
        Number(consumerId) is > 0 and var number ? number.ToString(System.Globalization.CultureInfo.InvariantCulture) : consumerId[..1].ToUpperInvariant();

    /// <summary>Returns the CSS class that sets --owner.</summary>
    public static string Css(string consumerId)
    {
        var number = Number(consumerId) is > 0 and var known ? known : 1 + consumerId.Sum(letter => letter);
        return $"owner-{((number - 1) % Colours) + 1}";
    }
}
