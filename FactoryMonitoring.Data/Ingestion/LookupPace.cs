using System.Diagnostics;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>How much is looked up at once, and when: after a failure half as much, and later.</summary>
/// <param name="most">What is looked up at once while nothing fails.</param>
internal sealed class LookupPace(int most)
{
    private const int MaxFailures = 12;

    private static readonly TimeSpan DelayPerFailure = TimeSpan.FromSeconds(5);

    private int _failures;
    private long _failedAt;

    public int Most => Math.Max(1, most >> _failures);

    public bool IsTime => _failures == 0 || Stopwatch.GetElapsedTime(_failedAt) >= _failures * DelayPerFailure;

    public void Succeeded() => _failures = Math.Max(0, _failures - 1);

    public void Failed() => (_failures, _failedAt) = (Math.Min(_failures + 1, MaxFailures), Stopwatch.GetTimestamp());
}
