using System.Net.ServerSentEvents;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Api;
using FactoryMonitoring.ServiceDefaults.Health;
using FactoryMonitoring.ServiceDefaults.Telemetry;

namespace FactoryMonitoring.Monitoring.Web.Live;

/// <summary>
/// Follows /api/stream for the whole process and keeps <see cref="LiveState"/> up to date. A lost connection is resumed where it was interrupted,
/// after a pause that grows to <see cref="LongestPause"/>.
/// </summary>
internal sealed partial class LiveFeedWorker(
    LiveState state,
    MonitoringApiConnection api,
    [FromKeyedServices(LiveFeedWorker.Heartbeat)] LoopHeartbeat heartbeat,
    TimeProvider time,
    ILogger<LiveFeedWorker> logger) : BackgroundService
{
    public const string Heartbeat = "live-feed";

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>The API sends a heartbeat at least every 2 s; after a longer silence than this, it counts as unavailable.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    private readonly OutageReport _outage = new(time);
    private string? _lastEventId;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = ShortestPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            heartbeat.Beat();
            try
            {
                await FollowAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Log.Lost(logger, _outage.Failed(), exception.Message);
            }

            pause = state.Current.Link == LinkState.Live ? ShortestPause : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));
            state.Change(LiveParts.Link, view => view with { Link = LinkState.Lost, Attempt = view.Link == LinkState.Lost ? view.Attempt + 1 : 1 });
            await Task.Delay(pause, time, stoppingToken);
        }
    }

    private async Task FollowAsync(CancellationToken stoppingToken)
    {
        using var silence = new CancellationTokenSource(Silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, silence.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(await heartbeat.WaitAsync(api.GetAddressAsync(either.Token).AsTask()), "api/stream"));
            if (_lastEventId is not null) request.Headers.TryAddWithoutValidation("Last-Event-ID", _lastEventId);
            using var response = await heartbeat.WaitAsync(api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token));
            response.EnsureSuccessStatusCode();
            await using var body = await response.Content.ReadAsStreamAsync(either.Token);
            await using var items = SseParser.Create(body).EnumerateAsync(either.Token).GetAsyncEnumerator(either.Token);
            // Not await foreach: waiting for the next event does not count as silence of the loop, applying one does.
            while (await heartbeat.WaitAsync(items.MoveNextAsync().AsTask()))
            {
                var item = items.Current;
                silence.CancelAfter(Silence);
                if (item.EventId is not null) _lastEventId = item.EventId;
                Apply(item.EventType, item.Data);
            }

            throw new EndOfStreamException("the stream ended");
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
        {
            throw new TimeoutException($"silent for {Silence.TotalSeconds:0} s");
        }
    }

    private void Apply(string eventType, string json)
    {
        var (parts, change) = LiveEvent.Read(eventType, json);
        var now = time.GetUtcNow();
        if (state.Current.Link != LinkState.Live)
        {
            parts |= LiveParts.Link;
            _outage.Answered();
            Log.Live(logger);
        }

        state.Change(parts, view =>
        {
            var changed = change(view) with { Link = LinkState.Live, Attempt = 0, ReceivedAt = now };
            return eventType == StreamEvents.Snapshot && changed.Snapshot is { } snapshot ? changed with { Ahead = snapshot.TakenAt - now } : changed;
        });
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Receiving from the monitoring API")]
        public static partial void Live(ILogger logger);

        [LoggerMessage("The monitoring API is away: {Reason}")]
        public static partial void Lost(ILogger logger, LogLevel level, string reason);
    }
}
