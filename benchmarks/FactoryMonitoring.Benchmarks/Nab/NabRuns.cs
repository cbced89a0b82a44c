using System.Diagnostics;
using FactoryMonitoring.Consumers.Detection;

namespace FactoryMonitoring.Benchmarks.Nab;

/// <summary>The detector's scorecard: what it finds in NAB's files, the time per reading and the memory per sensor.</summary>
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

    /// <summary>
    /// Measures the cost of judging: sensors that send one file's readings in turns, without rules, with rules and with the learned baseline.
    /// </summary>
    public static void Measure(Figures figures)
    {
        const int Sensors = 2_000;
        const int WarmUp = 100;
        const int Rows = 1_000;
        var file = NabCorpus.Read().First(file => file.Name == NabCorpus.Machine);
        // One pass more than is measured: the first one compiles the code.
        var none = Pass(new DetectionOptions()).Nanoseconds;
        (string, Func<NabFile, DetectionOptions>)[] passes = [("none", _ => new DetectionOptions()), .. Detectors];
        foreach (var (name, options) in passes)
        {
            var (nanoseconds, memory, snapshot) = Pass(options(file));
            none = name == "none" ? nanoseconds : none;
            figures.Add($"nab.{name}.ns_per_reading", nanoseconds);
            figures.Add($"nab.{name}.ratio", none / nanoseconds);
            figures.Add($"nab.{name}.memory_bytes_per_sensor", memory);
            figures.Add($"nab.{name}.snapshot_bytes_per_sensor", snapshot);
        }

        (double Nanoseconds, double Memory, double Snapshot) Pass(DetectionOptions options)
        {
            var run = new NabSensor(file, options);
            var sensors = Enumerable.Range(0, Sensors).Select(i => run.Add($"sensor-{i}")).ToArray();
            var before = GC.GetTotalMemory(forceFullCollection: true);
            Send(0, WarmUp);
            var memory = GC.GetTotalMemory(forceFullCollection: true) - before;
            var start = Stopwatch.GetTimestamp();
            Send(WarmUp, Rows);
            var time = Stopwatch.GetElapsedTime(start);
            return (time.TotalNanoseconds / ((Rows - WarmUp) * Sensors), memory / (double)Sensors, DetectorSnapshot.Write(run.Detector).Length / (double)Sensors);

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
