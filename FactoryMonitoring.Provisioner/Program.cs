using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.Provisioner;
using FactoryMonitoring.Provisioner.Checks;

var isCheck = args is [CheckCommand.Name, ..];
var builder = Host.CreateApplicationBuilder(args);
builder.AddServiceDefaults();
if (isCheck)
{
    builder.AddChecks();
}
else
{
    builder.AddFactoryDatabase();
    builder.AddFactoryKafka();
    builder.Services.AddSingleton<MigrationRunner>().AddSingleton<ReadingPartitions>().AddSingleton<RetentionStore>().AddSingleton<DatabaseCheck>().AddSingleton<ProvisioningRun>();
}

builder.Services.AddProvisioning();
using var host = builder.Build();
return await host.RunOnceAsync((services, cancellationToken) => isCheck
    ? services.GetRequiredService<CheckCommand>().RunAsync(args[1..], cancellationToken)
    : services.GetRequiredService<ProvisioningRun>().RunAsync(cancellationToken));
