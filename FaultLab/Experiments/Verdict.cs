using System.Globalization;
using FactoryMonitoring.Contracts.Api;

namespace FactoryMonitoring.FaultLab.Experiments;

/// <summary>Compares the measured values with the limits.</summary>
internal static class Verdict
{
    /// <param name="limits">The limits that apply here.</param>
    /// <param name="measured">Returns the measured value of each; null if it was not measured.</param>
    /// <param name="embedded">Whether the broker is the embedded one, for which limits may be higher.</param>
    /// <param name="final">Whether all measurements are complete: until then, only what is already certain is judged.</param>
    public static IReadOnlyList<ExperimentCheck> Judge(IEnumerable<Limit> limits, Func<Measure, double?> measured, bool embedded, bool final) =>
        [.. limits.Select(limit => Judge(limit, measured(limit.Measure), embedded, final))];

    /// <returns>PASS if every limit was measured and held.</returns>
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

    // The time of an event that happens once cannot become worse after it; a count or a maximum can until the end.
    private static bool IsOver(Measure measure) => measure is Measure.Flowing or Measure.Noticed or Measure.CaughtUp or Measure.ActiveAgain or Measure.WholeAgain;

    private static string Amount(double value, string unit) => unit == "ms"
        ? string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0.0##} s")
        : string.Create(CultureInfo.InvariantCulture, $"{value:0} {unit}");
}
