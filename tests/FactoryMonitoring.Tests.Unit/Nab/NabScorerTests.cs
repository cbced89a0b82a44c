using FactoryMonitoring.Benchmarks.Nab;

namespace FactoryMonitoring.Tests.Unit.Nab;

/// <summary>Compares scores with values calculated by hand from NAB's rules, and with some that its results folder publishes.</summary>
public sealed class NabScorerTests
{
    private const int Rows = 4_032;
    private static readonly (int First, int Last)[] Windows = [(1_000, 1_199), (3_000, 3_199)];

    [Theory]
    [InlineData(-1, 0.98661)]
    [InlineData(-0.5, 0.84828)]
    [InlineData(0, 0)]
    [InlineData(1, -0.98661)]
    [InlineData(3, -1)]
    [InlineData(100, -1)]
    public void The_sigmoid_has_the_values_that_NAB_documents(double position, double worth) =>
        Assert.Equal(worth, NabScorer.ScaledSigmoid(position), 5);

    [Theory]
    [InlineData(4_032, 604)]
    [InlineData(1_243, 186)]
    [InlineData(22_695, 750)]
    public void The_first_rows_do_not_count(int rows, int probation)
    {
        Assert.Equal(probation, NabScorer.Probation(rows));
        Assert.Equal(0, NabScorer.Score(rows, [], Enumerable.Range(0, probation)).Points);
        Assert.Equal(-0.11, NabScorer.Score(rows, [], [probation]).Points, 9);
    }

    [Fact]
    public void A_perfect_detector_has_100_and_one_that_detects_nothing_0()
    {
        var perfect = NabScorer.Score(Rows, Windows, [1_000, 3_000]);
        Assert.Equal((2.0, 2, 2, 0), (Math.Round(perfect.Points, 9), perfect.Windows, perfect.Found, perfect.False));
        Assert.Equal(100, perfect.Normalised, 9);

        var nothing = NabScorer.Score(Rows, Windows, []);
        Assert.Equal((-2.0, 2, 0, 0), (nothing.Points, nothing.Windows, nothing.Found, nothing.False));
        Assert.Equal(0, nothing.Normalised, 9);
    }

    [Fact]
    public void The_first_detection_in_a_window_counts_and_the_later_the_less()
    {
        // Row 1,100 of the 200 rows from 1,000 on: position -0.5, 0.84828 of the 0.98661 at the beginning of the window.
        var half = NabScorer.Score(Rows, Windows, [1_100, 1_150, 1_199]);
        Assert.Equal(-1 + 0.859793, half.Points, 6);
        Assert.Equal((1, 0), (half.Found, half.False));
        Assert.Equal(100 * 1.859793 / 4, half.Normalised, 4);
    }

    [Fact]
    public void What_is_detected_outside_of_windows_costs_more_the_further_behind_one_it_is()
    {
        Assert.Equal(-2.11, NabScorer.Score(Rows, Windows, [900]).Points, 9);
        // 100 rows after the end of a window: 2 / (1 + e^(5 * 100 / 199)) - 1 is -0.85004.
        Assert.Equal(-2 - (0.11 * 0.850036), NabScorer.Score(Rows, Windows, [1_299]).Points, 5);
        Assert.Equal(-2.11, NabScorer.Score(Rows, Windows, [1_199 + (3 * 199)]).Points, 9);
        Assert.Equal(1, NabScorer.Score(Rows, Windows, [1_299, 1_299]).False);
    }

    [Fact]
    public void Published_results_come_out()
    {
        // results/windowedGaussian: 12 false detections in ec2_cpu_utilization_c6585a, which has no window, score -1.32.
        Assert.Equal(-1.32, NabScorer.Score(Rows, [], Enumerable.Range(1_000, 12)).Points, 9);
        // results/contextOSE: both windows of iio_us-east-1_i-a2eb1cd9_NetworkIn missed, one false detection before them: -2.11.
        Assert.Equal(-2.11, NabScorer.Score(1_243, [(218, 280), (308, 370)], [200]).Points, 9);
    }

    [Fact]
    public void Scores_of_files_are_added()
    {
        var sum = NabScorer.Score(Rows, Windows, [1_000, 3_000]) + NabScorer.Score(Rows, [], [2_000]) + NabScorer.Score(Rows, Windows, []);
        Assert.Equal((4, 2, 1), (sum.Windows, sum.Found, sum.False));
        Assert.Equal(100 * (2 - 0.11 - 2 + 4) / 8, sum.Normalised, 6);
    }
}
