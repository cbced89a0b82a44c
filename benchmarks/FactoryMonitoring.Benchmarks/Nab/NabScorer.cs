namespace FactoryMonitoring.Benchmarks.Nab;

/// <summary>The score of one file by NAB's rules.</summary>
/// <param name="Points">At best 1 for each window, -1 for each missed window, at most -0.11 for each false detection.</param>
/// <param name="Windows">Windows in the file.</param>
/// <param name="Found">Windows with a detection.</param>
/// <param name="False">Detections outside of any window.</param>
internal readonly record struct NabScore(double Points, int Windows, int Found, int False)
{
    /// <summary>0 for a detector that detects nothing, 100 for one that detects only the first reading of each window; NaN without windows.</summary>
    public double Normalised => 100 * (Points + (NabScorer.FalseNegative * Windows)) / ((NabScorer.TruePositive + NabScorer.FalseNegative) * Windows);

    public static NabScore operator +(NabScore one, NabScore other) =>
        new(one.Points + other.Points, one.Windows + other.Windows, one.Found + other.Found, one.False + other.False);
}

/// <summary>
/// Scores detections by the rules of the Numenta Anomaly Benchmark 1.1: profile <c>standard</c> of its config/profiles.json, points and windows as in its
/// nab/sweeper.py, the normalised score as in its nab/runner.py (github.com/numenta/NAB).
/// </summary>
internal static class NabScorer
{
    public const double TruePositive = 1;
    public const double FalsePositive = 0.11;
    public const double FalseNegative = 1;

    private const double ProbationShare = 0.15;
    private const int ProbationRows = 5_000;

    /// <summary>Returns how many rows at the beginning of a file have detections that do not count: 15 % of the file, and of 5,000 rows at most.</summary>
    public static int Probation(int rows) => (int)Math.Min(Math.Floor(ProbationShare * rows), ProbationShare * ProbationRows);

    /// <param name="position">-1 at the first row of a window, 0 after its last row, 1 at one window length after it.</param>
    /// <returns>A value from almost 1 to -1.</returns>
    public static double ScaledSigmoid(double position) => position >= 3 ? -1 : (2 / (1 + Math.Exp(5 * position))) - 1;

    /// <param name="rows">Number of rows in the file.</param>
    /// <param name="windows">First and last row of each window, in order and not nested.</param>
    /// <param name="detections">Rows with a detection.</param>
    public static NabScore Score(int rows, IReadOnlyList<(int First, int Last)> windows, IEnumerable<int> detections)
    {
        var probation = Probation(rows);
        var found = new double?[windows.Count];
        var (points, wrong) = (0.0, 0);
        foreach (var row in detections.Distinct().Where(row => row >= probation))
        {
            var window = 0;
            while (window < windows.Count && windows[window].Last < row)
            {
                window++;
            }

            if (window < windows.Count && row >= windows[window].First)
            {
                var (first, last) = windows[window];
                var worth = TruePositive * ScaledSigmoid(-(last - row + 1) / (double)(last - first + 1)) / ScaledSigmoid(-1);
                found[window] = Math.Max(found[window] ?? worth, worth);
            }
            else
            {
                wrong++;
                var distance = window == 0 ? double.PositiveInfinity : (row - windows[window - 1].Last) / (double)(windows[window - 1].Last - windows[window - 1].First);
                points += FalsePositive * ScaledSigmoid(distance);
            }
        }

        return new(points + found.Sum(worth => worth ?? -FalseNegative), windows.Count, found.Count(worth => worth is not null), wrong);
    }
}
