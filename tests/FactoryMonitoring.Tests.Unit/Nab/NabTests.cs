using FactoryMonitoring.Benchmarks.Nab;

namespace FactoryMonitoring.Tests.Unit.Nab;

/// <summary>The learned baseline finds in NAB's recordings what it found before.</summary>
public sealed class NabTests
{
    [Fact]
    public void What_is_learned_scores_above_70_by_NABs_rules()
    {
        var files = NabCorpus.Read(NabFolder.Find());
        var scores = files.ToDictionary(file => file.Name, file => NabScorer.Score(file.Values.Length, file.Windows, new NabSensor(file, NabSensor.Learned).Detect()));
        var total = scores.Values.Aggregate((sum, score) => sum + score);

        Assert.InRange(total.Normalised, 70, 100);
        Assert.InRange(total.False, 0, 60);
        Assert.Equal((4, 4), (scores[NabCorpus.Machine].Found, scores[NabCorpus.Machine].Windows));
        Assert.InRange(scores[NabCorpus.Machine].False, 0, 2);
    }
}
