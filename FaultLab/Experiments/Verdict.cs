using System.Globalization;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>Holds what was measured against the limits.</summary>
internal static class Verdict
{
    /// <param name="limits">Those that hold here.</param>
    /// <param name="measured">What was measured of each; null where it was not.</param>
    /// <param name="embedded">Whether the brokers are the embedded one, where more may be allowed.</param>
    /// <param name="final">All has been measured that will be: until then only what can be said already is said.</param>
    public static IReadOnlyList<ExperimentCheck> Judge(IEnumerable<Limit> limits, Func<Measure, double?> measured, bool embedded, bool final) =>
        [.. limits.Select(limit => Judge(limit, measured(limit.Measure), embedded, final))];

    /// <returns>PASS where every limit was measured and held.</returns>
    public static string Of(IReadOnlyList<ExperimentCheck> checks) =>
        checks.Count > 0 && checks.All(check => check.Passed == true) ? Verdicts.Pass : Verdicts.Fail;

    private static ExperimentCheck Judge(Limit limit, double? measured, bool embedded, bool final)
    {
        var most = limit.On(embedded);
        bool? passed = measured switch
        {
            null => final ? false : null,
            { } value when value > most => false,
            _ => final || IsOver(limit.Measure) ? true : null,
        };
        var allowance = embedded && limit.OnEmbedded > 0 ? $" ({Amount(limit.OnEmbedded, limit.Unit)} more than on Kafka: the brokers are embedded)" : "";
        var reason = (measured, passed) switch
        {
            (null, false) => $"It was not measured; {Amount(most, limit.Unit)} is allowed{allowance}.",
            (null, _) => $"Not yet measured; {Amount(most, limit.Unit)} is allowed{allowance}.",
            ({ } value, false) => $"{Amount(value, limit.Unit)}, more than the {Amount(most, limit.Unit)} that is allowed{allowance}.",
            ({ } value, true) => $"{Amount(value, limit.Unit)}, within the {Amount(most, limit.Unit)} that is allowed{allowance}.",
            ({ } value, _) => $"{Amount(value, limit.Unit)} so far; {Amount(most, limit.Unit)} is allowed{allowance}.",
        };
        return new(limit.Name, limit.What, most, measured, limit.Unit, passed, reason);
    }

    // What happens once and is past cannot become worse; what is counted or a maximum can until the end.
    private static bool IsOver(Measure measure) => measure is Measure.Flowing or Measure.Noticed or Measure.CaughtUp or Measure.ActiveAgain or Measure.WholeAgain;

    private static string Amount(double value, string unit) => unit == "ms"
        ? string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0.0##} s")
        : string.Create(CultureInfo.InvariantCulture, $"{value:0} {unit}");
}
