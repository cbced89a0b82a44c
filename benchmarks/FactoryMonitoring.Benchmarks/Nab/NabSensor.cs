using System.Text;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Ingestion;

namespace FactoryMonitoring.Benchmarks.Nab;

/// <summary>A NAB file as readings of sensors, judged by the product's own detector.</summary>
/// <param name="rules">Rules for sensors of the type <see cref="Type"/>.</param>
internal sealed class NabSensor(NabFile file, DetectionOptions rules)
{
    public const string Type = "recording";

    private readonly SensorDirectory _sensors = new(2_000_000);
    private readonly Findings _findings = new();

    /// <summary>The detector's memory.</summary>
    public PartitionDetector Detector { get; } = new("nab", 0, new DetectionRules(rules));

    /// <summary>Adds a sensor that sends the file's values at its times.</summary>
    /// <param name="name">Its id.</param>
    public SensorDescription Add(string name) => _sensors.Add(new SensorText { Id = Encoding.UTF8.GetBytes(name), Type = Encoding.UTF8.GetBytes(Type) });

    /// <summary>Judges one row.</summary>
    public Findings Process(SensorDescription sensor, int row)
    {
        var time = file.Times[row];
        var reading = new Reading
        {
            Sensor = sensor,
            Offset = row,
            ProducedAt = new DateTimeOffset(time).ToUnixTimeMilliseconds(),
            Timestamp = PostgresTime.FromUtc(time),
            Value = file.Values[row],
            Warning = double.NaN,
            Critical = double.NaN,
        };
        Detector.Process(ref reading, _findings);
        return _findings;
    }

    /// <returns>The rows at which an alert is raised.</returns>
    public List<int> Detect()
    {
        var sensor = Add(file.Name);
        return [.. Enumerable.Range(0, file.Values.Length).Where(row => Process(sensor, row).Raised.Count > 0)];
    }

    /// <summary>Only the learned baseline, with the one fixed set of parameters.</summary>
    public static DetectionOptions Learned { get; } = new() { Types = { [Type] = new RuleOptions { Learning = true } } };

    /// <summary>
    /// Returns the rules that a user would set who has seen the rows that are not scored, but no label: warning and critical at three and four standard
    /// deviations from their mean, steps and distances from the mean of four at four of their standard deviations.
    /// </summary>
    public static DetectionOptions RulesFor(NabFile file)
    {
        var seen = file.Values.AsSpan(0, NabScorer.Probation(file.Values.Length)).ToArray();
        var steps = seen.Skip(1).Select((value, i) => value - seen[i]).ToArray();
        var distances = seen.Skip(4).Select((value, i) => value - seen.AsSpan(i, 4).ToArray().Average()).ToArray();
        var (mean, deviation) = (seen.Average(), Deviation(seen));
        return new DetectionOptions
        {
            Types =
            {
                [Type] = new RuleOptions
                {
                    WarningThreshold = mean + (3 * deviation),
                    CriticalThreshold = mean + (4 * deviation),
                    RapidChange = Above(4 * Deviation(steps)),
                    BaselineDeviation = Above(4 * Deviation(distances)),
                },
            },
        };

        static double Above(double limit) => limit > 0 ? limit : double.Epsilon;
    }

    private static double Deviation(double[] values)
    {
        var mean = values.Average();
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }
}
