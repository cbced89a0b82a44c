using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.ServiceDefaults.Telemetry;

namespace FactoryMonitoring.Consumers.Maintenance;

/// <summary>Compares the stored rows with their batches in the background, using at most a tenth of its time.</summary>
internal sealed partial class AuditWorker(ReadingAudit audit, TimeProvider time, ILogger<AuditWorker> logger) : BackgroundService
{
    private const int ReadingsAtOnce = 50_000;

    /// <summary>The pause after a step, in multiples of the step's duration.</summary>
    private const int PausesPerStep = 9;

    /// <summary>Longer than any transaction of a consumer can stay open.</summary>
    private static readonly TimeSpan Age = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var outage = new OutageReport(time);
        while (true)
        {
            var pause = Interval;
            try
            {
                var started = time.GetTimestamp();
                var step = await audit.StepAsync(ReadingsAtOnce, Age, stoppingToken);
                if (step.Wrong > 0)
                {
                    Log.Wrong(logger, step.Wrong);
                }

                if (step.Readings >= ReadingsAtOnce / 2)
                {
                    // There is more to count.
                    pause = time.GetElapsedTime(started) * PausesPerStep;
                }

                Log.Done(logger, outage.Answered());
            }
            catch (Exception exception) when (DatabaseFaults.Of(exception) is not null)
            {
                Log.Failed(logger, outage.Failed(), exception.Message);
            }

            await Task.Delay(pause, time, stoppingToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "{Batches} batches do not have the number of readings that was recorded for them: `make psql` and SELECT * FROM ledger_violations WHERE kind = 'miscounted'")]
        public static partial void Wrong(ILogger logger, long batches);

        [LoggerMessage(Message = "Counting readings against their batches again")]
        public static partial void Done(ILogger logger, LogLevel level);

        [LoggerMessage(Message = "Cannot count readings against their batches, retrying: {Reason}")]
        public static partial void Failed(ILogger logger, LogLevel level, string reason);
    }
}
