using FactoryMonitoring.Monitoring.Api;
using FactoryMonitoring.ServiceDefaults.Running;

if (HealthProbe.IsAsked(args)) return await HealthProbe.AskAsync(ApiAddress.Of);
return await RunServiceExtensions.RunServiceAsync(() => MonitoringApi.Build(args));
