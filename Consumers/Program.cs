using FactoryMonitoring.Consumers;
using FactoryMonitoring.ServiceDefaults.Kafka;
using FactoryMonitoring.ServiceDefaults.Running;

if (HealthProbe.IsAsked(args)) return await HealthProbe.AskAsync();

return await RunServiceExtensions.RunServiceAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults();
    builder.AddFactoryDatabase();
    builder.AddFactoryKafka();
    builder.AddIngestion();

    var app = builder.Build();
    app.MapDefaultEndpoints();
    return app;
}, passes: LostClient.IsLost);
