using FactoryMonitoring.FaultLab;
using FactoryMonitoring.ServiceDefaults.Running;

if (HealthProbe.IsAsked(args)) return await HealthProbe.AskAsync();
return await RunServiceExtensions.RunServiceAsync(() => FaultLabService.Build(args));
