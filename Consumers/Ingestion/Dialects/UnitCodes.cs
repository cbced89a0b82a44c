using System.Collections.Frozen;
using System.Text;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Consumers.Ingestion.Dialects;

/// <summary>Units by their UN/CEFACT recommendation 20 codes, as used by NGSI.</summary>
internal static class UnitCodes
{
    private static readonly FrozenDictionary<string, string> Symbols = new Dictionary<string, string>
    {
        ["CEL"] = "°C", ["FAH"] = "°F", ["KEL"] = "K", ["P1"] = "%", ["PAL"] = "Pa", ["A97"] = "hPa", ["KPA"] = "kPa", ["MPA"] = "MPa", ["MBR"] = "hPa", ["BAR"] = "bar", ["PS"] = "psi",
        ["WTT"] = "W", ["KWT"] = "kW", ["MAW"] = "MW", ["KWH"] = "kWh", ["WHR"] = "Wh", ["VLT"] = "V", ["KVT"] = "kV", ["AMP"] = "A", ["4K"] = "mA", ["2Z"] = "mV", ["HTZ"] = "Hz", ["LUX"] = "lx",
        ["59"] = "ppm", ["61"] = "ppb", ["C16"] = "mm/s", ["MTS"] = "m/s", ["KMH"] = "km/h", ["MMT"] = "mm", ["CMT"] = "cm", ["MTR"] = "m", ["GQ"] = "µg/m³", ["2N"] = "dB", ["C62"] = "1", ["RPM"] = "rpm", ["L2"] = "l/min", ["KGM"] = "kg",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> Codes =
        Symbols.Keys.Where(code => !UnitWords.IsWritten(code)).Select(Encoding.UTF8.GetBytes).ToHashSet(Utf8Comparer.Instance).GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>Whether a text is such a code, and not the symbol of another unit.</summary>
    public static bool IsKnown(ReadOnlySpan<byte> text) => Codes.Contains(text);

    /// <summary>Returns the symbol of a unit, or the code itself if none is known.</summary>
    public static string SymbolOf(string code) => Symbols.GetValueOrDefault(code, code);
}
