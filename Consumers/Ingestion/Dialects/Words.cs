using System.Text;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Words for a level, a quality or a missing value, in any case.</summary>
internal static class Words
{
    /// <summary>Words for a missing value: the sensor is broken or unavailable.</summary>
    private static readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> NoValue = Set(
        "", "nan", "inf", "infinity", "null", "none", "nil", "na", "n/a", "nodata", "missing", "undefined", "unavailable", "unknown", "#n/a", "#value!", "#num!", "#div/0!", "nan(ind)", "nan(snan)", "1.#qnan", "1.#ind");

    /// <summary>As in ISA-18.2, high is the warning before high-high; otherwise by the severities of syslog, ThingsBoard and similar systems.</summary>
    private static readonly Dictionary<byte[], AlertLevel>.AlternateLookup<ReadOnlySpan<byte>> Levels = Map(
        (AlertLevel.Normal, "normal ok okay good none no clear cleared info informational information notice debug green nominal inactive off noalarm noalert nowarning healthy"),
        (AlertLevel.Warning, "warning warn high hi h lo l medium minor moderate elevated caution yellow amber orange"),
        (AlertLevel.Critical, "critical crit alarm alert highhigh hihi hh lowlow lolo ll veryhigh verylow major severe danger error err fatal emergency emerg red"));

    public static bool IsNoValue(ReadOnlySpan<byte> text) =>
        text.Length <= LooseName.MaxLength && NoValue.Contains(LooseName.Of(text, stackalloc byte[LooseName.MaxLength]));

    /// <summary>Whether a text is the word null, which a serializer writes for a missing text.</summary>
    public static bool IsNull(ReadOnlySpan<byte> text) => Ascii.EqualsIgnoreCase(text, "null"u8);

    public static bool TryReadLevel(ReadOnlySpan<byte> text, out AlertLevel level) =>
        Levels.TryGetValue(LooseName.Of(text, stackalloc byte[LooseName.MaxLength]), out level);

    /// <summary>
    /// Reads the name of an OPC UA status, such as Good, GoodLocalOverride or Bad_SensorFailure: 1, 0.5 for Uncertain, 0. A Boolean validity is 1 or 0;
    /// a message without quality has a good one.
    /// </summary>
    public static bool TryReadQuality(ReadOnlySpan<byte> text, out float quality)
    {
        var word = LooseName.Of(text, stackalloc byte[LooseName.MaxLength]);
        var isGood = word.StartsWith("good"u8) || text.IsEmpty || word.SequenceEqual("ok"u8) || word.SequenceEqual("valid"u8) || word.SequenceEqual("true"u8);
        var isUncertain = word.StartsWith("uncertain"u8);
        quality = isGood ? 1 : isUncertain ? 0.5f : 0;
        return isGood || isUncertain || word.StartsWith("bad"u8) || word.SequenceEqual("invalid"u8) || word.SequenceEqual("false"u8);
    }

    /// <summary>Returns the quality of a status code of OPC UA, whose first two bits are its severity: 1 if it is good, 0.5 if it is uncertain, otherwise 0.</summary>
    public static float QualityOf(uint statusCode) => (statusCode >> 30) switch { 0 => 1, 1 => 0.5f, _ => 0 };

    /// <summary>
    /// Returns the quality of a number: a whole number from 2 to 255 is a quality of OPC DA, whose two high bits are good, uncertain or bad; NaN if OPC DA has
    /// none of that number, which then is a percentage or unknown. Any other number, and 100, which is a percentage, is the quality itself.
    /// </summary>
    public static float QualityOf(float number) => number is > 1 and < 256 and not 100 && float.IsInteger(number)
        ? (int)number switch { >= 192 => 1, (>= 64 and < 72) or (>= 80 and < 92) => 0.5f, < 36 => 0, _ => float.NaN } : number;

    private static HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> Set(params string[] words) =>
        words.Select(Encoding.UTF8.GetBytes).ToHashSet(Utf8Comparer.Instance).GetAlternateLookup<ReadOnlySpan<byte>>();

    private static Dictionary<byte[], AlertLevel>.AlternateLookup<ReadOnlySpan<byte>> Map(params (AlertLevel Level, string Words)[] levels) => levels
        .SelectMany(each => each.Words.Split(' ').Select(word => (each.Level, Word: Encoding.UTF8.GetBytes(word))))
        .ToDictionary(each => each.Word, each => each.Level, Utf8Comparer.Instance)
        .GetAlternateLookup<ReadOnlySpan<byte>>();
}
