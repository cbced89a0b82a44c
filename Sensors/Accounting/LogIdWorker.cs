using Confluent.Kafka;
using FactoryMonitoring.Sensors.Publishing;
using FactoryMonitoring.ServiceDefaults.Kafka;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Accounting;

/// <summary>
/// Asks the brokers for their log's id: at the start, when they return after all were unavailable, when offsets decrease, and every few seconds in between.
/// </summary>
internal sealed partial class LogIdWorker(
    IProducer<byte[], byte[]> producer,
    DeliveryAccount account,
    ProducerCondition condition,
    IOptions<SensorsOptions> options,
    TimeProvider time,
    ILogger<LogIdWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Refresh = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LastInterval = TimeSpan.FromMilliseconds(250);
    private string? _told;
    private long? _failsSince;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var log = new KafkaLogId(producer.Handle);
        using var timer = new PeriodicTimer(Interval, time);
        var asked = time.GetTimestamp();
        do
        {
            if (account.Epoch.LogId is null || condition.AreBrokersAway || time.GetElapsedTime(asked) >= Refresh)
            {
                asked = time.GetTimestamp();
                await AskAsync(log, stoppingToken);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>
    /// Runs after publishing has ended and before the last account is written, because this worker is registered between the two: readings acknowledged
    /// since all brokers were unavailable would remain unconfirmed if their log were not determined in time.
    /// </summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await using var log = new KafkaLogId(producer.Handle);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LastPatience);
        try
        {
            while (account.Unresolved > 0)
            {
                await AskAsync(log, limit.Token);
                await Task.Delay(LastInterval, time, limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The account reports how many readings it omits.
        }
    }

    private async Task AskAsync(KafkaLogId log, CancellationToken cancellationToken)
    {
        var epoch = account.Epoch;
        try
        {
            var logId = await log.ResolveAsync(options.Value.Topic, cancellationToken);
            if (account.Resolve(epoch, logId))
            {
                condition.BrokersAnswered();
            }

            if (logId != _told)
            {
                Log.Found(logger, options.Value.Topic, logId);
            }

            _told = logId;
            _failsSince = null;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.NotFound(logger, exception.Message);
            _failsSince ??= time.GetTimestamp();
            if (time.GetElapsedTime(_failsSince.Value) >= Patience)
            {
                Log.StillNotFound(logger, exception.Message);
                _failsSince = time.GetTimestamp();
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Topic {Topic} is kept in log {LogId}")]
        public static partial void Found(ILogger logger, string topic, string logId);

        [LoggerMessage(LogLevel.Debug, "Cannot read the log's identity from the brokers: {Reason}")]
        public static partial void NotFound(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Warning, "Cannot read the log's identity from the brokers for some time, acknowledgements wait: {Reason}")]
        public static partial void StillNotFound(ILogger logger, string reason);
    }
}
