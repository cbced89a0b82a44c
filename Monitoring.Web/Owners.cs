using System.Globalization;

namespace FactoryMonitoring.Monitoring.Web;

/// <summary>The number and color of a consumer, derived from its name so that they do not change when it dies and comes back.</summary>
internal static class Owners
{
    private const int Colours = 6;

    /// <summary>Length of the label of a name without a number.</summary>
    private const int MarkLength = 3;

    /// <summary>Returns the number at the end of the name, after a separator; null if there is none, as in the random end of a pod's name.</summary>
    public static int? Number(string consumerId)
    {
        var digits = consumerId.Length;
        while (digits > 0 && char.IsAsciiDigit(consumerId[digits - 1])) digits--;
        return (digits == 0 || !char.IsAsciiLetter(consumerId[digits - 1])) && int.TryParse(consumerId.AsSpan(digits), out var number) ? number : null;
    }

    /// <summary>Returns the label in a bar: the number, or the end of a name without a number, in which the pods of a deployment differ.</summary>
    public static string Mark(string consumerId) =>
        Number(consumerId) is { } number ? number.ToString(CultureInfo.InvariantCulture) : consumerId[Math.Max(0, consumerId.Length - MarkLength)..];

    /// <summary>Returns the CSS class that sets --owner.</summary>
    public static string Css(string consumerId)
    {
        var number = Number(consumerId) ?? 1 + consumerId.Sum(letter => letter);
        return $"owner-{((number + Colours - 1) % Colours) + 1}";
    }
}
