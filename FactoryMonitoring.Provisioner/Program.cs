using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.Provisioner;

var builder = Host.CreateApplicationBuilder(args);
builder.AddServiceDefaults();
builder.AddFactoryDatabase();
builder.AddFactoryKafka();
builder.Services.AddProvisioning();
builder.Services.AddSingleton<MigrationRunner>().AddSingleton<ReadingPartitions>().AddSingleton<RetentionStore>();

using var host = builder.Build();
return await host.RunOnceAsync((services, cancellationToken) => services.GetRequiredService<ProvisioningRun>().RunAsync(cancellationToken));
