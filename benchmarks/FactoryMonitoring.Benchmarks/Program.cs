using System.Globalization;
using System.Runtime.InteropServices;
using FactoryMonitoring.Benchmarks;
using FactoryMonitoring.Benchmarks.Nab;
using FactoryMonitoring.Benchmarks.Servers;
using FactoryMonitoring.Contracts;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
BenchSettings settings;
try
{
    settings = BenchSettings.Parse(args);
}
catch (FormatException exception)
{
    await Console.Error.WriteLineAsync($"{exception.Message}\n\n{BenchSettings.Usage}");
    return 1;
}

var repository = Services.Repository();
var figures = new Figures();
if (settings.Does("nab"))
{
    try
    {
        NabRuns.Run(figures, Console.Out);
        for (var run = 1; run <= settings.Runs; run++)
        {
            NabRuns.Measure(figures);
        }
    }
    catch (Exception exception) when (exception is InvalidOperationException or IOException)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }

}

for (var run = 1; settings.Does("messages") && run <= settings.Runs; run++)
{
    MessageRuns.Run(figures);
}

if (!settings.NeedsServers)
{
    await ReportAsync([]);
    return 0;
}

var directory = Directory.CreateTempSubdirectory("factory-bench-").FullName;
// The database's user must be able to traverse the directory.
if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(directory, (UnixFileMode)0b111_101_101);
Postgres? database = null;
var isInterrupted = false;
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
try
{
    for (var run = 1; settings.Does("start") && run <= settings.Runs; run++)
    {
        var servers = await StartRuns.ServersAsync(repository, Path.Combine(directory, $"servers-{run}"));
        figures.Add("start.servers_s", servers);
        foreach (var signal in StartRuns.Signals)
        {
            var backing = Brokers.KafkaHome(repository) is null ? "embedded" : "processes";
            var (ready, end) = await StartRuns.RunAsync(repository, Path.Combine(directory, $"start-{run}-{signal}"), backing, signal);
            figures.Add("start.ready_s", ready);
            figures.Add("start.ratio", servers / ready);
            figures.Add($"start.end_after_{signal}_s", end);
            Print($"run {run}: brokers as {backing} and PostgreSQL alone {servers:0.0} s, the factory on them ready after {ready:0.0} s, nothing left {end:0.0} s after SIG{signal}");
        }
    }

    if (!settings.NeedsBrokers)
    {
        await ReportAsync([]);
        return 0;
    }

    Print($"Starting brokers and PostgreSQL in {directory}");
    await using var brokers = await Brokers.StartAsync(directory, repository);
    await using var postgres = database = await Postgres.StartAsync(Path.Combine(directory, "postgres"));
    Print($"Measuring on {brokers.Name}: {Environment.ProcessorCount} cores of {RuntimeInformation.OSArchitecture}");
    await postgres.ResetAsync();
    var readings = brokers.IsEmbedded ? Math.Min(settings.Readings, 60_000) : settings.Readings;
    var names = KafkaNames.Default;
    var preloaded = names.SensorTopic;
    await brokers.RecreateTopicsAsync([.. names.Topics().Select(topic => topic.Name)]);

    Revision[] revisions = [new(repository, null), .. settings.Against is { } against ? new[] { Revision.Build(repository, against) } : []];
    if (settings.Does("ceilings") || settings.Does("ingest"))
    {
        using var load = new Load(1);
        var produced = load.Produce(brokers.Bootstrap, preloaded, readings, rate: null, settings.Compression);
        figures.Add("kafka.bytes_per_reading", (double)brokers.LogBytes(preloaded) / produced);
        Print($"Preloaded {produced:#,0} readings");
        if (produced != readings)
        {
            throw new InvalidOperationException($"only {produced} of {readings} readings were acknowledged");
        }
    }

    for (var run = 1; run <= settings.Runs; run++)
    {
        double consume = 0, copy = 0;
        if (settings.Does("ceilings"))
        {
            consume = CeilingRuns.Consume(brokers, preloaded, readings);
            copy = await CeilingRuns.CopyAsync(postgres, readings);
            var combined = 1 / ((1 / consume) + (1 / copy));
            figures.Add("ceiling.consume", consume);
            figures.Add("ceiling.copy", copy);
            figures.Add("ceiling.combined", combined);
            Print($"run {run}: ceilings: consume {consume:#,0}/s, COPY {copy:#,0}/s, combined {combined:#,0}/s");
        }

        foreach (var replicas in settings.Does("ingest") ? settings.Replicas : [])
        {
            var rates = new Dictionary<Revision, double>();
            // The order alternates, because the speed of the machine varies over time.
            foreach (var revision in run % 2 == 1 ? revisions : revisions.AsEnumerable().Reverse())
            {
                var drain = await IngestRuns.DrainAsync(revision, directory, brokers, postgres, preloaded, replicas, readings);
                var name = revision.Name is null ? $"ingest.{replicas}" : $"against.{replicas}";
                rates[revision] = drain.PerSecond;
                figures.Add($"{name}.readings_per_second", drain.PerSecond);
                figures.Add($"{name}.cpu_s_per_million", drain.CpuPerMillion);
                figures.Add($"{name}.memory_mb", drain.PeakMemoryMb);
                figures.Add($"{name}.brokers_cpu_s_per_million", drain.BrokersCpuPerMillion);
                figures.Add($"{name}.postgres_cpu_s_per_million", drain.PostgresCpuPerMillion);
                figures.Add($"{name}.database_bytes_per_reading", drain.BytesPerReading);
                if (consume > 0 && revision.Name is null)
                {
                    figures.Add($"{name}.ratio", drain.PerSecond * ((1 / consume) + (1 / copy)));
                }

                Print($"run {run}: {replicas} consumer(s){(revision.Name is { } commit ? $" of {commit}" : "")}: {drain.PerSecond:#,0} readings/s; "
                    + $"CPU s per million: consumers {drain.CpuPerMillion:0.00}, brokers {drain.BrokersCpuPerMillion:0.00}, PostgreSQL {drain.PostgresCpuPerMillion:0.00}; {drain.PeakMemoryMb:0} MB, {drain.BytesPerReading:0} bytes a reading");
            }

            if (revisions.Length > 1)
            {
                figures.Add($"ingest.{replicas}.against", rates[revisions[0]] / rates[revisions[1]]);
            }
        }
    }

    foreach (var rate in settings.Does("latency") ? settings.Rates : [])
    {
        for (var run = 1; run <= settings.Runs; run++)
        {
            // A separate topic: the preloaded messages must not be read first.
            var topic = $"latency-{rate}-{run}";
            await brokers.RecreateTopicsAsync(topic, topic + KafkaNames.DeadLetterSuffix);
            var (p50, p95, p99, memory) = await IngestRuns.LatencyAsync(
                repository, directory, brokers, postgres, brokers.IsEmbedded ? preloaded : topic, rate, settings.LatencySeconds);
            figures.Add($"latency.{rate}.p50_ms", p50 ?? double.NaN);
            figures.Add($"latency.{rate}.p95_ms", p95 ?? double.NaN);
            figures.Add($"latency.{rate}.p99_ms", p99 ?? double.NaN);
            figures.Add($"latency.{rate}.consumer_mb", memory);
            Print($"run {run}: {rate}/s: p50 {p50} ms, p95 {p95} ms, p99 {p99} ms, consumer {memory:0} MB");
        }
    }

    for (var run = 1; settings.Does("memory") && run <= settings.Runs; run++)
    {
        const int Rate = 1_000;
        var topic = $"memory-{run}";
        await brokers.RecreateTopicsAsync(topic, topic + KafkaNames.DeadLetterSuffix);
        var memory = await MemoryRuns.RunAsync(
            repository, directory, brokers, postgres, brokers.IsEmbedded ? preloaded : topic, Rate, TimeSpan.FromSeconds(settings.MemorySeconds));
        foreach (var (kind, megabytes) in memory)
        {
            figures.Add($"memory.{kind}_mb", megabytes);
        }

        Print($"run {run}: resident at {Rate:#,0}/s: {string.Join(", ", memory.Select(pair => $"{pair.Key} {pair.Value:0} MB"))}");
    }

    for (var run = 1; settings.Does("sensors") && run <= settings.Runs; run++)
    {
        // A single consumer has all partitions, and remembers as many sensors as it can; each of three has a third of them.
        foreach (var replicas in (int[])[1, 3])
        {
            // The baseline: as many readings of the factory's few sensors, with the same consumers.
            var few = await DrainAsync(replicas, isEachOfAnother: false);
            var many = await DrainAsync(replicas, isEachOfAnother: true);
            figures.Add($"sensors.{replicas}.readings_per_second", many.PerSecond);
            figures.Add($"sensors.{replicas}.ratio", many.PerSecond / few.PerSecond);
            figures.Add($"sensors.{replicas}.memory_mb", many.PeakMemoryMb);
            figures.Add($"sensors.{replicas}.standstill_s", many.LongestStandstill);
            Print($"run {run}: {settings.Sensors:#,0} sensors, {replicas} consumers: {many.PerSecond:#,0} readings/s, {many.PerSecond / few.PerSecond:0.00} of those of few sensors, peak of the largest {many.PeakMemoryMb:0} MB, longest standstill {many.LongestStandstill:0.0} s");
        }

        async Task<IngestRuns.Drain> DrainAsync(int replicas, bool isEachOfAnother)
        {
            var topic = brokers.IsEmbedded ? preloaded : $"sensors-{run}-{replicas}-{(isEachOfAnother ? "many" : "few")}";
            await brokers.RecreateTopicsAsync(topic, topic + KafkaNames.DeadLetterSuffix);
            using var load = new Load(run, isEachOfAnother);
            var produced = load.Produce(brokers.Bootstrap, topic, settings.Sensors, rate: null);
            return await IngestRuns.DrainAsync(revisions[0], directory, brokers, postgres, topic, replicas, produced);
        }
    }

    for (var run = 1; settings.Does("large") && !brokers.IsEmbedded && run <= settings.Runs; run++)
    {
        // One replica: the consumers' memory is measured, and three copies of each message would need more space.
        var topic = $"large-{run}";
        await brokers.RecreateTopicsAsync(1, topic, topic + KafkaNames.DeadLetterSuffix);
        var flood = await LargeRuns.RunAsync(repository, directory, brokers, postgres, topic, settings.Large);
        figures.Add("large.megabytes_per_second", flood.MegabytesPerSecond);
        figures.Add("large.memory_mb", flood.PeakMemoryMb);
        figures.Add("large.standstill_s", flood.LongestStandstill);
        Print($"run {run}: {settings.Large:#,0} messages of 1 MB: {flood.MegabytesPerSecond:0} MB/s, largest consumer {flood.PeakMemoryMb:0} MB, readings stood still for {flood.LongestStandstill:0.0} s at most");
    }

    foreach (var protocol in settings.Does("groups") && !brokers.IsEmbedded ? (string[])["consumer", "classic"] : [])
    {
        var topic = $"groups-{protocol}";
        await brokers.RecreateTopicsAsync(3, settings.Partitions, topic);
        await brokers.RecreateTopicsAsync(topic + KafkaNames.DeadLetterSuffix);
        foreach (var stall in await GroupRuns.RunAsync(repository, directory, brokers, postgres, topic, settings.Partitions, protocol))
        {
            var name = $"groups.{protocol}.{stall.Event.Replace(' ', '_')}";
            figures.Add($"{name}.moves", stall.Moves);
            figures.Add($"{name}.total_s", stall.TotalSeconds);
            figures.Add($"{name}.longest_s", stall.LongestSeconds);
            Print($"{protocol}, {stall.Event}: {stall.Moves} moves, {stall.TotalSeconds:0.0} s in all, {stall.LongestSeconds:0.00} s the longest");
        }
    }

    if (settings.Does("api"))
    {
        await postgres.ResetAsync();
        await ApiRuns.FillAsync(postgres, 0, settings.StoredSmall);
        var few = await MeasureApiAsync(brokers, postgres, "few");
        await ApiRuns.FillAsync(postgres, settings.StoredSmall, settings.StoredLarge);
        var many = await MeasureApiAsync(brokers, postgres, "many");
        figures.Add("api.p99_ms", many.Values.Max());
        figures.Add("api.growth", many.Values.Max() / few.Values.Max());
        figures.Add("api.growth_of_one_endpoint", many.Max(pair => pair.Value / few[pair.Key]));
    }

    for (var run = 1; settings.Does("pages") && run <= settings.Runs; run++)
    {
        foreach (var page in await PageRuns.RunAsync(repository, directory, postgres))
        {
            figures.Add($"pages.{page.Name}.first_paint_ms", page.FirstPaintMs);
            figures.Add($"pages.{page.Name}.first_paint_ratio", page.PaintRatio);
            figures.Add($"pages.{page.Name}.live_ms", page.LiveMs);
            figures.Add($"pages.{page.Name}.busy_ms_per_second", page.BusyMs);
            figures.Add($"pages.{page.Name}.busy_ratio", page.BusyRatio);
            figures.Add($"pages.{page.Name}.frame_p95_ms", page.FrameMs);
            figures.Add($"pages.{page.Name}.frame_interval_p95_ms", page.IntervalMs);
            figures.Add($"pages.{page.Name}.frame_interval_ratio", page.IntervalRatio);
            Print($"run {run}: {page.Name}: first paint {page.FirstPaintMs:0} ms ({page.PaintRatio:0.00} of a text's), live after {page.LiveMs:0} ms, main thread busy for {page.BusyMs:0} ms of each second");
            Print($"run {run}: {page.Name}: p95 of {page.Frames} frames with updates: {page.FrameMs:0.0} ms, {page.IntervalMs:0.0} ms from frame to frame ({page.IntervalRatio:0.00} of a text's)");
        }
    }

    // The names that reports compare: the best number of replicas.
    if (settings.Does("ingest") && settings.Replicas.MaxBy(replicas => figures.Median($"ingest.{replicas}.readings_per_second")) is var best)
    {
        figures.Add("ingest.readings_per_second", figures.Median($"ingest.{best}.readings_per_second")!.Value);
        figures.Add("ingest.cpu_s_per_million", figures.Median($"ingest.{best}.cpu_s_per_million")!.Value);
        figures.Add("ingest.memory_mb", figures.Median($"ingest.{best}.memory_mb")!.Value);
        if (figures.Median($"ingest.{best}.ratio") is { } ratio)
        {
            figures.Add("ingest.ratio", ratio);
        }
    }

    await ReportAsync(new()
    {
        ["brokers"] = brokers.IsEmbedded ? "embedded" : "kafka",
        ["readings"] = readings.ToString(CultureInfo.InvariantCulture),
    });
    return 0;
}
catch (Exception) when (isInterrupted)
{
    // The signal handler cleans up and exits.
    await Task.Delay(Timeout.Infinite);
    return 130;
}
catch (Exception exception) when (exception is InvalidOperationException or TimeoutException or HttpRequestException or Npgsql.NpgsqlException)
{
    await Console.Error.WriteLineAsync($"{exception.Message} (logs in {directory})");
    directory = null;
    return 1;
}
finally
{
    if (directory is not null)
    {
        Directory.Delete(directory, recursive: true);
    }
}

async Task ReportAsync(Dictionary<string, string> facts)
{
    figures.Print(Console.Out);
    var path = Path.Combine(repository, "artifacts", "bench.json");
    facts["measured_at"] = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
    facts["cores"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture);
    await figures.WriteAsync(path, facts);
    Print($"written to {Path.GetRelativePath(repository, path)}");
}

// No started process may outlive the benchmark.
void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = true;
    isInterrupted = true;
    ServerProcess.KillAll();
    database?.Stop();
    Directory.Delete(directory!, recursive: true);
    Environment.Exit(130);
}

async Task<Dictionary<string, double>> MeasureApiAsync(Brokers brokers, Postgres postgres, string size)
{
    var worst = new Dictionary<string, double>();
    for (var run = 1; run <= settings.Runs; run++)
    {
        foreach (var result in await ApiRuns.RunAsync(repository, directory!, brokers, postgres, settings.Connections, TimeSpan.FromSeconds(settings.ApiSeconds)))
        {
            var name = result.Path["/api/".Length..];
            figures.Add($"api.{size}.{name}.requests_per_second", result.PerSecond);
            figures.Add($"api.{size}.{name}.p99_ms", result.P99Ms);
            worst[name] = figures.Median($"api.{size}.{name}.p99_ms")!.Value;
        }
    }

    Print($"API with {(size == "few" ? settings.StoredSmall : settings.StoredLarge):#,0} readings: worst p99 {worst.Values.Max():0.0} ms ({worst.MaxBy(pair => pair.Value).Key})");
    return worst;
}

static void Print(string text) => Console.WriteLine($"{DateTime.Now:HH:mm:ss} {text}");
