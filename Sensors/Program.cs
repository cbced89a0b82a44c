using FactoryMonitoring.Sensors;
using FactoryMonitoring.Sensors.Replay;
using FactoryMonitoring.ServiceDefaults.Kafka;
using FactoryMonitoring.ServiceDefaults.Running;

if (HealthProbe.IsAsked(args)) return await HealthProbe.AskAsync();

if (args is [ReplayCommand.Name, ..]) return await ReplayCommand.RunAsync(args[1..]);

return await RunServiceExtensions.RunServiceAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults();
    builder.AddFactoryDatabase();
    builder.AddFactoryKafka();
    builder.AddSensors();

    var app = builder.Build();
    app.MapDefaultEndpoints();
    return app;
}, passes: LostClient.IsLost);
