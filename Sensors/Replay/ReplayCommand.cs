using System.Text;
using FactoryMonitoring.Replay;
using FactoryMonitoring.Sensors.Accounting;
using FactoryMonitoring.Sensors.Publishing;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>
/// <c>Sensors replay [--dry-run]</c>, which <c>make replay</c> runs: shows how a file is interpreted, replays it with a progress bar and exits at its end.
/// Settings are those of <see cref="ReplayOptions"/> in section <c>Sensors:Replay</c>; <c>--dry-run</c> sends nothing and needs no brokers.
/// </summary>
internal static class ReplayCommand
{
    public const string Name = "replay";

    /// <summary>Returns make's name of a setting: as in the command <c>send</c> if that has it, otherwise in capitals.</summary>
    public static string Setting(string name) => name switch
    {
        nameof(ReplayOptions.SensorId) => "SENSOR",
        nameof(ReplayOptions.SensorType) => "TYPE",
        nameof(ReplayOptions.WarningThreshold) => "WARNING",
        nameof(ReplayOptions.CriticalThreshold) => "CRITICAL",
        nameof(ReplayOptions.DecimalSign) => "DECIMAL",
        _ => Capitals(name),
    };

    /// <returns>The exit code: 1 if the file or a setting is wrong, reported in one line before anything starts.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        ReplayPlan plan;
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        var section = configuration.GetSection($"{SensorsOptions.Section}:Replay");
        try
        {
            var options = ReplayOptions.Read(name => section[name] is { Length: > 0 } value ? value : null, Setting);
            if (options.File is null)
            {
                throw new ReplayFileException($"{Setting(nameof(options.File))} is missing: name a CSV file, plain or gzip");
            }

            using var bar = new ProgressBar(Console.Error, Console.IsErrorRedirected);
            try
            {
                plan = ReplayPlan.Check(options, Setting, new CheckProgress(bar));
            }
            catch (ReplayFileException exception)
            {
                throw new ReplayFileException($"{options.File}: {exception.Message}", exception);
            }
        }
        catch (ReplayFileException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 1;
        }

        Console.Write(ReplayPreview.Text(plan, Setting));
        if (args is ["--dry-run"])
        {
            return 0;
        }

        return await RunServiceExtensions.RunServiceAsync(() =>
        {
            var builder = WebApplication.CreateBuilder();
            // The terminal is reserved for the progress bar.
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            builder.Configuration["Logging:LogLevel:Default"] = nameof(LogLevel.Warning);
            builder.Services.AddSingleton(new CheckedFile(plan));
            builder.AddServiceDefaults();
            builder.AddFactoryDatabase();
            builder.AddFactoryKafka();
            builder.AddSensors();
            builder.Services.AddHostedService<ReplayTerminal>();
            return builder.Build();
        });
    }

    private static string Capitals(string name)
    {
        var text = new StringBuilder();
        foreach (var letter in name)
        {
            text.Append(text.Length > 0 && char.IsUpper(letter) ? "_" : "").Append(char.ToUpperInvariant(letter));
        }

        return text.ToString();
    }

    private sealed class CheckProgress(ProgressBar bar) : IProgress<double>
    {
        // Reported synchronously, not by another thread after the check has ended.
        public void Report(double value)
        {
            if (!Console.IsErrorRedirected)
            {
                bar.Show(value, "checked");
            }
        }
    }
}

/// <summary>Displays the progress of a replay, and ends the process when the brokers have all of it.</summary>
/// <param name="pace">For a backfill, which ends when all of it is stored; null for a replay.</param>
/// <param name="guard">For a backfill; null for a replay.</param>
internal sealed class ReplayTerminal(
    ReplayFeed feed, DeliveryAccount account, ProducerCondition condition, IHostApplicationLifetime lifetime, TimeProvider time, BackfillPace? pace = null, BackfillGuard? guard = null) : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var bar = new ProgressBar(Console.Out, Console.IsOutputRedirected);
        using var timer = new PeriodicTimer(Step, time);
        var begun = time.GetTimestamp();
        var rows = feed.Plan.Rows;
        var isTold = false;
        try
        {
            while (!(condition.IsOver && account.Snapshot().Queued == 0 && pace?.Snapshot() is null or { Waiting: 0 }))
            {
                await timer.WaitForNextTickAsync(stoppingToken);
                if (pace?.Snapshot() is { } standing)
                {
                    if (!isTold && guard?.Fingerprint is not null && feed.PassedOver > 0)
                    {
                        isTold = true;
                        bar.Clear();
                        Console.WriteLine(FormattableString.Invariant(
                            $"  {"goes on",-10} behind {feed.PassedOver:N0} of {feed.Plan.Readings:N0} readings, which were stored before. {ReplayCommand.Setting(nameof(ReplayOptions.Again))}=1 stores all of them anew"));
                    }

                    ShowBackfill(bar, standing);
                    continue;
                }

                var position = feed.Position;
                bar.Show(
                    rows > 0 ? (double)position.Played / rows : 0,
                    FormattableString.Invariant($"row {position.Row:N0} of {rows:N0}{(position.SourceTimestamp is { } at ? $", file time {at}" : "")}{(account.Snapshot().Queued is > 0 and var queued ? $", {queued:N0} wait" : "")}"));
            }

            bar.Clear();
            var elapsed = time.GetElapsedTime(begun);
            Console.WriteLine(pace is not null ? Summary(elapsed) : FormattableString.Invariant(
                $"  {"sent",-10} {feed.Position.Sent:N0} readings of {feed.Sensors.Count:N0} {(feed.Sensors.Count == 1 ? "sensor" : "sensors")} in {elapsed.TotalSeconds:N1} s; the brokers have acknowledged all of them"));
            lifetime.StopApplication();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            bar.Clear();
            if (!condition.IsOver)
            {
                Console.WriteLine(FormattableString.Invariant($"  {"stopped",-10} after row {feed.Position.Row:N0} of {rows:N0}, {feed.Position.Sent:N0} readings were sent{(pace is null ? "" : "; the same command goes on there")}"));
            }
        }
    }

    private string Summary(TimeSpan elapsed)
    {
        if (guard?.DoneAt is { } at)
        {
            return FormattableString.Invariant(
                $"  {"nothing",-10} is sent: {Path.GetFileName(feed.Plan.File)} was backfilled at {at.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC. {ReplayCommand.Setting(nameof(ReplayOptions.Again))}=1 stores it a second time");
        }

        if (guard?.Obstacle is { } obstacle)
        {
            Environment.ExitCode = 1;
            return $"  {"nothing",-10} is sent: {obstacle}. {ReplayCommand.Setting(nameof(ReplayOptions.Again))}=1 stores all of it anew";
        }

        var sensors = feed.Sensors.Count == 1 ? "sensor" : "sensors";
        var before = feed.PassedOver > 0 ? FormattableString.Invariant($"; {feed.PassedOver:N0} were stored before") : "";
        return FormattableString.Invariant(
            $"  {"stored",-10} {feed.Position.Sent:N0} readings of {feed.Sensors.Count:N0} {sensors} in {elapsed.TotalSeconds:N1} s, {feed.Position.Sent / elapsed.TotalSeconds:N0} readings/s{before}");
    }

    private void ShowBackfill(ProgressBar bar, BackfillStanding standing)
    {
        var estimate = BackfillEstimate.Of(feed.Plan, standing, feed.PassedOver);
        var pace = guard?.IsWaiting is true ? ", waits: consumers have not stored all of what was sent before"
            : standing.IsStuck ? ", waits: no consumer stores anything"
            : estimate.Left is { } left ? FormattableString.Invariant($", {estimate.RowsPerSecond:N0} rows/s, {(left.TotalHours >= 1 ? $"{(int)left.TotalHours} h {left.Minutes} min" : left.TotalMinutes >= 1 ? $"{left.Minutes} min {left.Seconds} s" : $"{Math.Ceiling(left.TotalSeconds):0} s")} left")
            : "";
        bar.Show(
            feed.Plan.Readings > 0 ? (double)estimate.Stored / feed.Plan.Readings : 0,
            FormattableString.Invariant($"{estimate.Rows:N0} of {feed.Plan.Rows:N0} rows stored{pace}"));
    }
}
