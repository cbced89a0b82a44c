using FactoryMonitoring.Sensors;
using Microsoft.Extensions.Configuration;

namespace FactoryMonitoring.Tests.Unit.Sensors;

public sealed class SensorsEnvironmentTests
{
    [Fact]
    public void Environment_variables_win_over_the_section()
    {
        var options = Bind(new()
        {
            ["Sensors:SensorType"] = "energy",
            ["Sensors:PerType"] = "3",
            ["SENSOR_TYPE"] = "vibration",
            ["SAMPLING_INTERVAL"] = "0.25",
            ["VIBRATION_WARNING_THRESHOLD"] = "5.5",
            ["ENERGY_CRITICAL_THRESHOLD"] = "1",
            ["SENSOR_ID"] = "one",
            ["FACTORY_SECTION"] = "section",
            ["MACHINE_ID"] = "machine",
            ["ZONE"] = "zone",
            ["SENSOR_TOPIC"] = "topic",
        });

        Assert.Equal(
            ("vibration", "vibration-sensor", 3, TimeSpan.FromMilliseconds(250), new Thresholds(5.5, 7)),
            (options.SensorType, options.ProducerId, options.PerType, options.SamplingInterval, options.Thresholds));
        Assert.Equal(("one", "section", "machine", "zone", "topic"), (options.SensorId, options.FactorySection, options.MachineId, options.Zone, options.Topic));
    }

    [Fact]
    public void The_producer_bears_its_own_name_then_the_resources_then_its_types()
    {
        Assert.Equal("mine", Bind(new() { ["SENSOR_TYPE"] = "energy", ["OTEL_SERVICE_NAME"] = "resource", ["PRODUCER_ID"] = "mine" }).ProducerId);
        Assert.Equal("resource", Bind(new() { ["SENSOR_TYPE"] = "energy", ["OTEL_SERVICE_NAME"] = "resource" }).ProducerId);
        Assert.Equal("energy-sensor", Bind(new() { ["SENSOR_TYPE"] = "energy" }).ProducerId);
    }

    [Fact]
    public void A_replay_has_the_type_it_names_else_the_sensors_else_temperature()
    {
        Assert.Equal("pressure", Bind(new() { ["Sensors:Replay:File"] = "f", ["Sensors:Replay:SensorType"] = "pressure", ["SENSOR_TYPE"] = "energy" }).SensorType);
        Assert.Equal("energy", Bind(new() { ["Sensors:Replay:File"] = "f", ["SENSOR_TYPE"] = "energy" }).SensorType);
        Assert.Equal("temperature", Bind(new() { ["Sensors:Replay:File"] = "f" }).SensorType);
    }

    private static SensorsOptions Bind(Dictionary<string, string?> settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        SensorsEnvironment.Map(configuration);
        return configuration.GetSection(SensorsOptions.Section).Get<SensorsOptions>()!;
    }
}
