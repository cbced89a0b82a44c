using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.Monitoring.Api.Monitor;
using FactoryMonitoring.Monitoring.Api.Queries;
using Microsoft.AspNetCore.Mvc;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Endpoints for alerts: pages of alerts, their rate, and one alert with its reading.</summary>
internal static class AlertEndpoints
{
    private static readonly string[] AllSeverities = [Severities.Low, Severities.Medium, Severities.High, Severities.Critical];

    private static readonly string[] AllRules =
        [AnomalyTypes.ConsecutiveHigh, AnomalyTypes.RapidChange, AnomalyTypes.BaselineDeviation, AnomalyTypes.CriticalThreshold, AnomalyTypes.UnusualValue, AnomalyTypes.Silent, .. SystemAlerts.Rules];

    public static void MapAlerts(this RouteGroupBuilder api)
    {
        api.MapGet("/alerts", List)
            .Describe<IReadOnlyList<AlertBody>>("alerts", "Alerts, newest first; before=alert_id of the last one gives the next page; backfill=true asks for those of backfilled readings in place of the live ones");
        api.MapGet("/alerts/rate", Rate).Describe<AlertRateBody>("alert-rate", "Alerts raised over time, by type of sensor, rule and severity");
        api.MapGet("/alerts/{id}", Find)
            .Describe<AlertDetailBody>("alert", "One alert, the stored reading that raised it, and those of its sensor around it")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static Task<IResult> List(
        QueryCache cache,
        AlertQueries queries,
        TimeProvider time,
        HttpResponse response,
        [AsParameters] AlertParameters parameters,
        string? open,
        string? before,
        string? limit)
    {
        var input = new Input();
        var filter = Filter(input, parameters, time.GetUtcNow()) with { Open = input.Flag("open", open) };
        var after = input.Id("before", before);
        var most = input.Integer("limit", limit, 50, 1, 500);
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync<IReadOnlyList<AlertBody>>(
                $"alerts {filter} {after} {most}",
                response,
                ApiJson.Context.IReadOnlyListAlertBody,
                async cancellationToken => await queries.ListAsync(filter, after, most, cancellationToken));
    }

    private static Task<IResult> Rate(
        QueryCache cache, AlertQueries queries, TimeProvider time, HttpResponse response, [AsParameters] AlertParameters parameters)
    {
        var input = new Input();
        var now = time.GetUtcNow();
        var filter = Filter(input, parameters, now);
        var from = filter.From ?? now - TimeSpan.FromHours(1);
        var to = filter.To ?? now;
        var bucket = Bucket(to - from);
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync($"alert rate {filter} {bucket}", response, ApiJson.Context.AlertRateBody, async cancellationToken =>
                new AlertRateBody((int)bucket.TotalSeconds, await queries.RateAsync(filter with { From = from }, bucket, cancellationToken), from, to));
    }

    private static Task<IResult> Find(QueryCache cache, AlertQueries queries, HttpResponse response, string id)
    {
        var input = new Input();
        var alertId = input.Id("id", id);
        return input.IsBad
            ? Task.FromResult<IResult>(input.Problem)
            : cache.ServeAsync(
                $"alert {alertId}",
                response,
                ApiJson.Context.AlertDetailBody,
                cancellationToken => queries.FindAsync(alertId!.Value, cancellationToken));
    }

    private static AlertFilter Filter(Input input, AlertParameters parameters, DateTimeOffset now)
    {
        var from = input.Time("from", parameters.From);
        var to = input.Time("to", parameters.To);
        if (parameters.Window is not null)
        {
            if (from is not null)
            {
                input.Bad("window", "must be window or from, not both", false);
            }

            // Truncated to whole seconds, so that requests in the same second share one query.
            var start = now - input.Window(null, parameters.Window, TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromDays(366));
            from = new(start.Ticks - (start.Ticks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
        }

        if (from > to)
        {
            input.Bad("from", "must be a time before to", false);
        }

        return new(
            input.OneOf("severity", parameters.Severity, AllSeverities),
            input.Text("type", parameters.Type, 100) ?? input.Text("sensor_type", parameters.SensorType, 100),
            input.OneOf("rule", parameters.Rule, AllRules),
            input.Text("sensor", parameters.Sensor),
            from,
            to,
            null,
            input.Flag("backfill", parameters.Backfill) ?? false);
    }

    private static TimeSpan Bucket(TimeSpan window) => TimeSpan.FromSeconds(window.TotalMinutes switch
    {
        <= 10 => 10,
        <= 60 => 60,
        <= 360 => 300,
        <= 1440 => 900,
        <= 10_080 => 7_200,
        _ => 86_400,
    });

    /// <summary>The parameters as they are in the address.</summary>
    /// <param name="Type">Sensor type, or system; sensor_type is another name for this parameter.</param>
    /// <param name="Rule">The anomaly_type.</param>
    /// <param name="Window">A length of time instead of from: 300s, 5m, 2h, 7d.</param>
    /// <param name="Backfill">true: alerts of backfilled readings; otherwise live alerts.</param>
    private sealed record AlertParameters(
        [FromQuery(Name = "severity")] string? Severity,
        [FromQuery(Name = "type")] string? Type,
        [FromQuery(Name = "sensor_type")] string? SensorType,
        [FromQuery(Name = "rule")] string? Rule,
        [FromQuery(Name = "sensor")] string? Sensor,
        [FromQuery(Name = "from")] string? From,
        [FromQuery(Name = "to")] string? To,
        [FromQuery(Name = "window")] string? Window,
        [FromQuery(Name = "backfill")] string? Backfill);
}
