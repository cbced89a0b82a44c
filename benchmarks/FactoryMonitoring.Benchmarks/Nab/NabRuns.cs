using System.Diagnostics;
using FactoryMonitoring.Consumers.Detection;

namespace FactoryMonitoring.Benchmarks.Nab;

/// <summary>The detector's scorecard: what it finds in NAB's files, what a reading costs and what a sensor takes.</summary>
internal static class NabRuns
{
    private static readonly (string Name, Func<NabFile, DetectionOptions> Options)[] Detectors =
    [
        ("rules", NabSensor.RulesFor),
        ("learned", _ => NabSensor.Learned),
    ];

    public static void Run(Figures figures, TextWriter output)
    {
        var files = NabCorpus.Read();
        output.WriteLine($"{files.Count} files of NAB's 58, {files.Sum(file => file.Windows.Length)} windows of its 116: a detection is the reading at which an alert is raised");
        foreach (var (name, options) in Detectors)
        {
            output.WriteLine();
            output.WriteLine($"{name,-62} {"found",7} {"false",5} {"points",7} {"score",6}");
            var all = new List<(string Name, NabScore Score)>();
            foreach (var file in files)
            {
                var score = NabScorer.Score(file.Values.Length, file.Windows, new NabSensor(file, options(file)).Detect());
                all.Add((file.Name, score));
                output.WriteLine(Line(file.Name, score));
            }

            var total = all.Aggregate(default(NabScore), (sum, each) => sum + each.Score);
            output.WriteLine(Line("all", total));
            figures.Add($"nab.{name}.score", total.Normalised);
            figures.Add($"nab.{name}.windows_found", total.Found);
            figures.Add($"nab.{name}.false_episodes", total.False);
            foreach (var (_, score) in all.Where(each => each.Name == NabCorpus.Machine))
            {
                figures.Add($"nab.{name}.machine_temperature.windows_found", score.Found);
                figures.Add($"nab.{name}.machine_temperature.false_episodes", score.False);
            }
        }
    }

    /// <summary>What judging costs: sensors that send one file in turns, as many of them as a consumer's caches do not hold.</summary>
    public static void Measure(Figures figures)
    {
        const int Sensors = 2_000;
        const int Rows = 1_000;
        var file = NabCorpus.Read().First(file => file.Name == NabCorpus.Machine);
        var cost = new Dictionary<string, double>();
        foreach (var (name, options) in Detectors.Prepend(("none", _ => new DetectionOptions())))
        {
            var run = new NabSensor(file, options(file));
            var sensors = Enumerable.Range(0, Sensors).Select(i => run.Add($"sensor-{i}")).ToArray();
            var ids = GC.GetTotalMemory(forceFullCollection: true);
            // The first readings make the states, and have the code compiled.
            Send(0, Rows / 10);
            var memory = GC.GetTotalMemory(forceFullCollection: true);
            var start = Stopwatch.GetTimestamp();
            Send(Rows / 10, Rows);
            cost[name] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / ((Rows - (Rows / 10)) * (double)Sensors);
            figures.Add($"nab.{name}.ns_per_reading", cost[name]);
            figures.Add($"nab.{name}.ratio", cost["none"] / cost[name]);
            figures.Add($"nab.{name}.memory_bytes_per_sensor", (memory - ids) / (double)Sensors);
            figures.Add($"nab.{name}.snapshot_bytes_per_sensor", DetectorSnapshot.Write(run.Detector).Length / (double)Sensors);

            void Send(int from, int to)
            {
                for (var row = from; row < to; row++)
                {
                    foreach (var sensor in sensors)
                    {
                        run.Process(sensor, row);
                    }
                }
            }
        }
    }

    private static string Line(string name, NabScore score) =>
        $"{name,-62} {(score.Windows == 0 ? "-" : $"{score.Found} of {score.Windows}"),7} {score.False,5} {score.Points,7:0.00} {(score.Windows == 0 ? "" : $"{score.Normalised:0.0}"),6}";
}
