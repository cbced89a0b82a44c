using System.Diagnostics;
using System.Text;
using System.Text.Json;
using FactoryMonitoring.Consumers.Detection;
using FactoryMonitoring.Consumers.Telemetry;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Creates alert rows, each with the message that announces it.</summary>
internal sealed class AlertRows(ConsumerIdentity identity)
{
    /// <param name="reading">The reading at which the rule began to hold.</param>
    /// <param name="raisedAt">By the database's clock, in whole microseconds.</param>
    /// <param name="trace">The batch's trace; null if it is not recorded.</param>
    public AlertRow Of(ref Reading reading, RaisedAlert raised, DateTime raisedAt, BatchTrace? trace)
    {
        var sensor = reading.Sensor;
        var origin = reading.Headers is { } headers ? TraceContext.Of(headers) : null;
        return new AlertRow(
            raised.AlertId,
            sensor.Identity.Name,
            sensor.Type,
            Rules.NameOf(raised.Rule),
            raised.Severity,
            reading.Value,
            sensor.Unit,
            raised.Description,
            raisedAt,
            PostgresTime.ToUtc(reading.Timestamp),
            sensor.FactorySection,
            sensor.MachineId,
            sensor.Zone,
            NameOf(reading.Level),
            reading.Partition.Number,
            reading.Offset,
            origin?.TraceId.ToHexString(),
            origin?.SpanId.ToHexString(),
            sensor.Identity.IsBackfill ? null : Announce(ref reading, raised, raisedAt, origin is { } send ? trace?.ContextOf(send) ?? send : null));
    }

    private OutgoingAlert Announce(ref Reading reading, RaisedAlert raised, DateTime raisedAt, ActivityContext? parent)
    {
        var sensor = reading.Sensor;
        var message = new AlertMessage(
            raised.AlertId,
            sensor.Identity.Name,
            sensor.Type,
            Rules.NameOf(raised.Rule),
            raised.Severity,
            reading.Value,
            sensor.Unit,
            raised.Description,
            identity.ConsumerId,
            raisedAt,
            new SensorLocation(sensor.FactorySection, sensor.MachineId, sensor.Zone),
            NameOf(reading.Level));
        return new OutgoingAlert(
            identity.AlertTopic,
            sensor.Identity.Id,
            JsonSerializer.SerializeToUtf8Bytes(message, MessageJsonContext.Default.AlertMessage),
            parent is { } context ? Encoding.ASCII.GetBytes(TraceContext.Format(context)) : null);
    }

    private static string NameOf(AlertLevel level) => level switch
    {
        AlertLevel.Critical => "critical",
        AlertLevel.Warning => "warning",
        _ => "normal",
    };
}
