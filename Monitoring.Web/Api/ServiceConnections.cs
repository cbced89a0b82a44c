using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.ServiceDefaults.Running;
using Microsoft.Extensions.ServiceDiscovery;

namespace FactoryMonitoring.Monitoring.Web.Api;

/// <summary>The connection to the monitoring API, from which the pages read.</summary>
internal sealed class MonitoringApiConnection(Addresses addresses, ServiceEndpointResolver discovery)
    : ServiceConnection("the monitoring API", addresses.MonitoringApi, discovery);

/// <summary>The connection to the fault lab, through which the pages act. It exists only if faults are allowed.</summary>
internal sealed class FaultLabConnection(Addresses addresses, ServiceEndpointResolver discovery) : ServiceConnection("the fault lab", addresses.FaultLab, discovery);

/// <summary>Maps paths to the services that answer them.</summary>
internal sealed class ServiceConnections(MonitoringApiConnection api, FaultLabConnection lab)
{
    /// <param name="path">The path, with or without a leading slash.</param>
    public ServiceConnection For(string path) => new PathString($"/{path.TrimStart('/')}").StartsWithSegments(LabRoutes.Experiments) ? lab : api;
}
