using FactoryMonitoring.Consumers;
using FactoryMonitoring.Consumers.Ingestion;
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
}, passes: KafkaSettings.IsGroupLost);
