using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Replay;

/// <summary>A recorded series as one sensor, its intervals compressed.</summary>
internal sealed class ReplayFeed : IReadingSource
{
    private readonly IReadOnlyList<RecordedValue> _values;
    private readonly ReplayOptions _options;
    private readonly Sensor _sensor;
    private TimeSpan _due;
    private int _next;

    public ReplayFeed(IOptions<SensorsOptions> options)
    {
        var settings = options.Value;
        _options = settings.Replay;
        _values = ReplayFile.Read(_options.File!);
        var type = settings.Type;
        _sensor = new Sensor(
            index: 0,
            _options.SensorId ?? settings.SensorId ?? $"{type.IdPrefix}-sensor-replay",
            type,
            settings.Thresholds,
            new SensorLocation(settings.FactorySection, settings.MachineId ?? "machine-replay", settings.Zone ?? "zone-a"));
        Sensors = [_sensor];
    }

    public IReadOnlyList<Sensor> Sensors { get; }

    public bool TryNext(out Sample sample)
    {
        if (_next == _values.Count && _options.Loop)
        {
            _next = 0;
        }

        if (_next == _values.Count)
        {
            sample = default;
            return false;
        }

        // A clock that was set back in the recording makes no time run backwards here.
        var step = _next > 0 ? _values[_next].At - _values[_next - 1].At : _due > TimeSpan.Zero ? _values[1].At - _values[0].At : TimeSpan.Zero;
        _due += (step > TimeSpan.Zero ? step : TimeSpan.Zero) / _options.SpeedUp;
        var value = _values[_next++];
        sample = new Sample(_sensor, value.Value, _due, value.Text);
        return true;
    }
}
