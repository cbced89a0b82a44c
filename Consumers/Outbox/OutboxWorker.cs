using System.Diagnostics;
using System.Text;
using System.Threading.Channels;
using Confluent.Kafka;
using FactoryMonitoring.Consumers.Health;
using FactoryMonitoring.Consumers.Ingestion;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.ServiceDefaults.Kafka;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Npgsql;

namespace FactoryMonitoring.Consumers.Outbox;

/// <summary>Signals that there are messages to send.</summary>
internal sealed class OutboxSignal
{
    private readonly Channel<bool> _filled = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly TaskCompletionSource<bool> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when this consumer stores nothing any more; true if its last batch is stored.</summary>
    public Task<bool> Ended => _ended.Task;

    public void Set() => _filled.Writer.TryWrite(true);

    /// <summary>Signals that this consumer stores nothing any more.</summary>
    public void End(bool isStored) => _ended.TrySetResult(isStored);

    /// <summary>Waits for the signal, at most for <paramref name="limit"/>.</summary>
    public async Task WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _filled.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return;
        }
    }
}

/// <summary>
/// Sends the messages that committed transactions have left: alerts and dead letters. Any consumer may send the messages of any other. Messages are sent before
/// they are removed, so that a crash in between sends them twice, with the same id.
/// </summary>
internal sealed partial class OutboxWorker(
    OutboxStore store,
    OutboxSignal signal,
    SourceRecords sources,
    ConsumerIdentity identity,
    IProducer<byte[]?, byte[]?> producer,
    AccessReport access,
    ConsumerMetrics metrics,
    TimeProvider time,
    ILogger<OutboxWorker> logger) : BackgroundService
{
    private const int MessagesAtOnce = 500;

    private const long BytesAtOnce = 4 * 1024 * 1024;

    /// <summary>The maximum size in bytes of the original message's headers in a dead letter.</summary>
    private const int MaxHeaderBytes = 64 * 1024;

    /// <summary>Errors that no retry can resolve.</summary>
    private static readonly HashSet<ErrorCode> Permanent =
    [
        ErrorCode.MsgSizeTooLarge, ErrorCode.RecordListTooLarge, ErrorCode.InvalidMsg, ErrorCode.InvalidMsgSize, ErrorCode.InvalidRecord, ErrorCode.PolicyViolation,
        ErrorCode.UnsupportedForMessageFormat,
    ];

    /// <summary>With more alerts at once, their traces are not looked up: that would amount to reading the log twice.</summary>
    private const int LookedUpAtOnce = 50;

    /// <summary>For messages that other consumers have left.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>For the topic's log. With the lookup of the records and with the sending, it must fit into the time that the database leaves a transaction: 15 s.</summary>
    private static readonly TimeSpan LogLimit = TimeSpan.FromSeconds(1);

    private readonly KafkaLogId _logs = new(producer.Handle);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>For the messages that remain at the end.</summary>
    private static readonly TimeSpan LastLimit = TimeSpan.FromSeconds(1);

    /// <summary>Sends the messages of the last batches: without another consumer they would wait for the next start.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            if (await signal.Ended.WaitAsync(cancellationToken))
            {
                // A database that does not respond does not respond to a cancellation either.
                await RelayAllAsync(cancellationToken).WaitAsync(LastLimit, time, cancellationToken);
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or InvalidOperationException or OperationCanceledException)
        {
            Log.LeftBehind(logger, exception.Message);
        }

        await _logs.DisposeAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var outage = new OutageReport(time);
        while (true)
        {
            try
            {
                var (taken, sent) = await store.RelayAsync(MessagesAtOnce, BytesAtOnce, SendAsync, stoppingToken);
                Log.Relayed(logger, outage.Answered());
                if (taken == 0)
                {
                    await signal.WaitAsync(Interval, time, stoppingToken);
                }

                // One relay for the messages of many transactions, not one for each; messages that could not be sent wait separately.
                await Task.Delay(taken == sent ? Pause : RetryDelay, time, stoppingToken);
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or InvalidOperationException)
            {
                Log.NotRelayed(logger, outage.Failed(), exception.Message);
                await Task.Delay(RetryDelay, time, stoppingToken);
            }
        }
    }

    private async Task RelayAllAsync(CancellationToken cancellationToken)
    {
        while (await store.RelayAsync(MessagesAtOnce, BytesAtOnce, SendAsync, cancellationToken) is { Taken: > 0 } relayed && relayed.Sent == relayed.Taken)
        {
            // There may be more.
        }
    }

    private async Task<RelayOutcome> SendAsync(
        IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        var (records, unanswered) = await LookUpAsync(messages, cancellationToken);
        // Read after the records: a topic that was made anew meanwhile shows. Of an earlier log's place nothing may ever answer.
        var log = messages.Any(message => message.ValueAtSource) ? await CurrentLogAsync(cancellationToken) : null;
        var traces = new List<AlertTrace>();
        var deliveries = new List<Task<Error?>>(messages.Count);
        foreach (var message in messages)
        {
            var record = OriginOf(message, records, log);
            if (message.ValueAtSource && record is null && (log is null || (message.SourceLogId == log && unanswered.Contains((message.SourcePartition!.Value, message.SourceOffset!.Value)))))
            {
                // It is not yet known whether the log still has it.
                deliveries.Add(Task.FromResult<Error?>(new Error(ErrorCode.Local_TimedOut)));
                continue;
            }

            var parent = ParentOf(message);
            var origin = parent ?? (record is null ? null : TraceContext.Of(record.Headers));
            if (parent is null && message.AlertId is { } alertId && origin is { } found)
            {
                traces.Add(new AlertTrace(alertId, found.TraceId.ToHexString(), found.SpanId.ToHexString()));
            }

            deliveries.Add(DeliverAsync(
                message.ValueAtSource ? TakenFrom(record, message) : message, record?.Headers, origin, cancellationToken));
        }

        var delivered = await Task.WhenAll(deliveries);
        var outcomes = messages.Zip(delivered, (message, error) => (message.OutboxId, Error: error)).ToList();
        return new RelayOutcome(
            [.. outcomes.Where(each => each.Error is null).Select(each => each.OutboxId)],
            [.. outcomes.Where(each => each.Error is { } error && Permanent.Contains(error.Code)).Select(each => (each.OutboxId, each.Error!.Reason))],
            traces);
    }

    private static OutgoingMessage TakenFrom(SourceRecord? record, OutgoingMessage message) => record is null
        ? message
        : message with
        {
            Key = record.Key is { Length: <= KeyMemory.MaxBytes } key ? key : null,
            Value = record.Value.Bytes,
            HeaderNames = [.. message.HeaderNames, DeadLetterHeaders.ValueSize, DeadLetterHeaders.ValueSha256],
            HeaderValues = [.. message.HeaderValues, Encoding.ASCII.GetBytes($"{record.Value.Size}"), Encoding.ASCII.GetBytes(record.Value.Sha256)],
        };

    /// <summary>Looks up the source messages that the log still has.</summary>
    private async Task<(Dictionary<(int Partition, long Offset), SourceRecord> Found, HashSet<(int Partition, long Offset)> Unanswered)> LookUpAsync(
        IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellationToken)
    {
        var isBacklog = messages.Count > LookedUpAtOnce;
        var places = messages
            .Where(message => message.SourcePartition is not null && (message.AlertId is null ? !IsCut(message) && !IsUnreadable(message) : !isBacklog && ParentOf(message) is null))
            .Select(message => (message.SourcePartition!.Value, message.SourceOffset!.Value))
            .ToList();
        if (places.Count == 0)
        {
            return ([], []);
        }

        try
        {
            return await Task.Run(() => sources.Find(places), cancellationToken);
        }
        catch (KafkaException exception)
        {
            // The headers are less important than the message.
            Log.NotFound(logger, exception.Error.Reason);
            return ([], [.. places]);
        }
    }

    /// <summary>Returns the log that the topic of the sensors is now; null if no broker answers within <see cref="LogLimit"/>.</summary>
    private async Task<string?> CurrentLogAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _logs.ResolveAsync(identity.SensorTopic, cancellationToken).WaitAsync(LogLimit, time, cancellationToken);
        }
        catch (Exception exception) when (exception is KafkaException or TimeoutException)
        {
            Log.NotFound(logger, exception.Message);
            return null;
        }
    }

    /// <summary>Returns the record at the message's source, unless another log has a different one there.</summary>
    /// <param name="log">The log of these records; null if unknown.</param>
    private static SourceRecord? OriginOf(OutgoingMessage message, Dictionary<(int Partition, long Offset), SourceRecord> records, string? log)
    {
        if (message is not { SourcePartition: { } partition, SourceOffset: { } offset } || !records.TryGetValue((partition, offset), out var record))
        {
            return null;
        }

        // Nothing of a message whose value is there identifies it, except the log.
        var isTheOne = message.ValueAtSource ? message.SourceLogId == log
            : message.AlertId is null ? record.Value.Sha256 == Sha256Of(message)
            : record.Key is null || record.Key.AsSpan().SequenceEqual(message.Key);
        return isTheOne ? record : null;
    }

    /// <summary>Whether the value is truncated: looking up the original would fetch all of it a second time.</summary>
    private static bool IsCut(OutgoingMessage message) => message.Value?.Length == KeptValue.MaxBytes;

    /// <summary>Whether the client cannot decompress the message, so that nothing of its value is known.</summary>
    private static bool IsUnreadable(OutgoingMessage message) => !message.ValueAtSource && !message.HeaderNames.Contains(DeadLetterHeaders.ValueSha256);

    private static string Sha256Of(OutgoingMessage message) => message.HeaderNames.AsSpan().IndexOf(DeadLetterHeaders.ValueSha256) is var index and >= 0
        ? Encoding.ASCII.GetString(message.HeaderValues[index])
        : KeptValue.Of(message.Value, message.Value is null).Sha256;

    /// <summary>Returns the trace context that the alert was stored with.</summary>
    private static ActivityContext? ParentOf(OutgoingMessage message) =>
        message.AlertId is not null && message.HeaderNames.AsSpan().IndexOf(TraceContext.Header) is var index and >= 0
        && ActivityContext.TryParse(Encoding.ASCII.GetString(message.HeaderValues[index]), null, isRemote: true, out var parent)
            ? parent
            : null;

    /// <returns>Null if it was sent.</returns>
    private async Task<Error?> DeliverAsync(OutgoingMessage message, Headers? original, ActivityContext? origin, CancellationToken cancellationToken)
    {
        using var activity = metrics.StartSend(message.Topic, message.AlertId, origin ?? default);
        var headers = new Headers();
        if (message.AlertId is null)
        {
            // A dead letter keeps the original headers, as far as they fit.
            var room = MaxHeaderBytes;
            var dropped = 0;
            foreach (var header in original ?? [])
            {
                var value = header.GetValueBytes();
                var size = header.Key.Length + (value?.Length ?? 0);
                if (size > room)
                {
                    dropped++;
                    continue;
                }

                room -= size;
                headers.Add(header.Key, value);
            }

            if (dropped > 0)
            {
                headers.Add(DeadLetterHeaders.DroppedHeaders, Encoding.ASCII.GetBytes($"{dropped}"));
            }
        }
        else if ((activity?.Id ?? (origin is { } parent ? TraceContext.Format(parent) : null)) is { } id)
        {
            // The span of this send, which is a child of the reading's.
            headers.Add(TraceContext.Header, Encoding.ASCII.GetBytes(id));
        }

        for (var i = 0; i < message.HeaderNames.Length; i++)
        {
            if (message.AlertId is null || message.HeaderNames[i] != TraceContext.Header)
            {
                headers.Add(message.HeaderNames[i], message.HeaderValues[i]);
            }
        }

        try
        {
            await producer.ProduceAsync(
                message.Topic, new Message<byte[]?, byte[]?> { Key = message.Key, Value = message.Value, Headers = headers }, cancellationToken);
            return null;
        }
        catch (ProduceException<byte[]?, byte[]?> exception) when (!LostClient.IsLost(exception))
        {
            activity?.SetTag("error.type", exception.Error.Code.ToString());
            activity?.SetStatus(ActivityStatusCode.Error);
            if (!access.Report(exception.Error, KafkaRight.OnTopic("Write", message.Topic)))
            {
                Log.NotSent(logger, message.Topic, exception.Error.Reason);
            }

            return exception.Error;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Other consumers send what is left, or this one after its next start: {Reason}")]
        public static partial void LeftBehind(ILogger logger, string reason);

        [LoggerMessage(Message = "Cannot send alerts and dead letters: {Reason}")]
        public static partial void NotRelayed(ILogger logger, LogLevel level, string reason);

        [LoggerMessage(Message = "Sending alerts and dead letters again")]
        public static partial void Relayed(ILogger logger, LogLevel level);

        [LoggerMessage(Level = LogLevel.Information, Message = "Headers cannot be looked up: {Reason}")]
        public static partial void NotFound(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Not sent to {Topic}: {Reason}")]
        public static partial void NotSent(ILogger logger, string topic, string reason);
    }
}
