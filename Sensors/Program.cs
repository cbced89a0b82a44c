using FactoryMonitoring.Sensors;
using FactoryMonitoring.ServiceDefaults.Running;

if (HealthProbe.IsAsked(args)) return await HealthProbe.AskAsync();

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddFactoryDatabase();
builder.AddFactoryKafka();
builder.AddSensors();

var app = builder.Build();
app.MapDefaultEndpoints();
return await app.RunServiceAsync();
