using System.Globalization;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Sensors.Simulation;

/// <summary>Simulated sensors of one type. Their readings are distributed evenly over the interval, each sensor at a fixed time in it.</summary>
internal sealed class SimulatedFleet : IReadingSource
{
    private const int MachinesPerZone = 6;

    /// <summary>Its multiples modulo 1 fill the interval evenly, regardless of their number.</summary>
    private const double GoldenRatio = 0.618033988749895;

    private readonly SensorModel[] _models;
    private readonly TimeSpan _interval;
    private long _reading;

    public SimulatedFleet(IOptions<SensorsOptions> options)
    {
        var settings = options.Value;
        var type = settings.Type;
        var thresholds = settings.Thresholds;
        var count = settings.SensorId is null ? settings.PerType : 1;
        _interval = (settings.SamplingInterval ?? type.Interval) / settings.BurstFactor;
        Sensors = [.. Enumerable.Range(0, count).Select(index => new Sensor(
            index,
            settings.SensorId ?? string.Create(CultureInfo.InvariantCulture, $"{type.IdPrefix}-sensor-{index + 1:000}"),
            type,
            thresholds,
            LocationOf(settings, index)))];

        var random = settings.Seed is { } seed ? new Random(seed) : new Random();
        // Initial phases and start times are distributed evenly, and shuffled so that neighbours do not rise one after the other.
        var places = Enumerable.Range(0, count).ToArray();
        random.Shuffle(places);
        var offset = random.NextDouble();
        _models = [.. places.Select(place => new SensorModel(
            type, thresholds, (place + random.NextDouble()) / count, (place * GoldenRatio + offset) % 1, new Random(random.Next())))];
    }

    public IReadOnlyList<Sensor> Sensors { get; }

    public bool TryNext(out Sample sample)
    {
        var (round, index) = Math.DivRem(_reading++, Sensors.Count);
        var due = _interval * (round + (double)index / Sensors.Count);
        sample = new Sample(Sensors[(int)index], _models[index].Next(), due, SourceTimestamp: null);
        return true;
    }

    private static SensorLocation LocationOf(SensorsOptions settings, int index) => new(
        settings.FactorySection,
        settings.MachineId ?? string.Create(CultureInfo.InvariantCulture, $"machine-{index + 1:000}"),
        settings.Zone ?? $"zone-{(char)('a' + index / MachinesPerZone % 26)}");
}
