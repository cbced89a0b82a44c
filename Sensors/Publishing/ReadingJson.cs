using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using FactoryMonitoring.Sensors.Sequences;

namespace FactoryMonitoring.Sensors.Publishing;

/// <summary>Writes the value of a message without an intermediate object. Not thread-safe.</summary>
internal sealed class ReadingJson : IDisposable
{
    private static readonly JsonEncodedText[] Levels = [JsonEncodedText.Encode("normal"), JsonEncodedText.Encode("warning"), JsonEncodedText.Encode("critical")];
    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private readonly Utf8JsonWriter _json;

    public ReadingJson() =>
        // ° is not escaped: the value is UTF-8 and never part of a page.
        _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });

    public byte[] Write(in Sample sample, in ReadingNumber number, DateTime timestamp)
    {
        var sensor = sample.Sensor;
        _buffer.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteString("timestamp"u8, timestamp);
        _json.WriteString("sensor_id"u8, sensor.Id);
        _json.WriteString("sensor_type"u8, sensor.Type.Name);
        var location = sample.Stored?.Location ?? sensor.Location;
        _json.WriteStartObject("location"u8);
        WriteText("factory_section"u8, location.FactorySection);
        WriteText("machine_id"u8, location.MachineId);
        WriteText("zone"u8, location.Zone);
        _json.WriteEndObject();
        _json.WriteNumber("value"u8, sample.Value);
        _json.WriteString("unit"u8, sensor.Type.Unit);
        if (sample.Stored is { } stored)
        {
            if (stored.AlertLevel is { } level)
            {
                _json.WriteString("alert_level"u8, level);
            }
        }
        // Without both thresholds, the consumers' rules determine the level.
        else if (double.IsFinite(sensor.Thresholds.Warning) && double.IsFinite(sensor.Thresholds.Critical))
        {
            _json.WriteString("alert_level"u8, Levels[(int)sensor.Thresholds.LevelOf(sample.Value)]);
        }

        _json.WriteNumber("quality"u8, sample.Stored?.Quality ?? 1.0);
        _json.WriteStartObject("metadata"u8);
        _json.WriteNumber("reading_count"u8, number.Count);
        _json.WriteString("sequence_id"u8, number.SequenceId);
        // A replayed series may have no threshold, and JSON has no infinity.
        if (double.IsFinite(sensor.Thresholds.Warning))
        {
            _json.WriteNumber("warning_threshold"u8, sensor.Thresholds.Warning);
        }

        if (double.IsFinite(sensor.Thresholds.Critical))
        {
            _json.WriteNumber("critical_threshold"u8, sensor.Thresholds.Critical);
        }

        if (sample.At is not null)
        {
            _json.WriteBoolean("backfill"u8, true);
        }

        if (sample.SourceTimestamp is { } source)
        {
            _json.WriteString("source_timestamp"u8, source);
        }

        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.Flush();
        return _buffer.WrittenSpan.ToArray();
    }

    public void Dispose() => _json.Dispose();

    private void WriteText(ReadOnlySpan<byte> name, string? text)
    {
        if (text is not null)
        {
            _json.WriteString(name, text);
        }
    }
}
