namespace FactoryMonitoring.Monitoring.Web;

/// <summary>The number and colour of a consumer: those of its name, so that they never change while it lives, dies and comes back.</summary>
internal static class Owners
{
    private const int Colours = 6;

    /// <summary>The digits its name ends in, 0 where there are none.</summary>
    public static int Number(string consumerId)
    {
        var digits = consumerId.Length;
        while (digits > 0 && char.IsAsciiDigit(consumerId[digits - 1])) digits--;
        return int.TryParse(consumerId.AsSpan(digits), out var number) ? number : 0;
    }

    /// <summary>What stands in a bar: the number, or the first letter of a name without one.</summary>
    public static string Mark(string consumerId) =>
        Number(consumerId) is > 0 and var number ? number.ToString(System.Globalization.CultureInfo.InvariantCulture) : consumerId[..1].ToUpperInvariant();

    /// <summary>The class that sets --owner.</summary>
    public static string Css(string consumerId)
    {
        var number = Number(consumerId) is > 0 and var known ? known : 1 + consumerId.Sum(letter => letter);
        return $"owner-{((number - 1) % Colours) + 1}";
    }
}
