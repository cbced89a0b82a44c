using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Processes;

/// <summary>
/// Gives each endpoint its port. There is no proxy here: a process listens on the port that others are told, and of several
/// replicas the first has the resource's own. A container's target port is its own, and is published at the port that others are told.
/// </summary>
internal static class Ports
{
    private static readonly Lock Gate = new();
    private static readonly HashSet<int> Given = [];

    internal static void Allocate(IResource resource, bool randomize)
    {
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>().Where(endpoint => endpoint.AllocatedEndpoint is null))
        {
            var wanted = endpoint.IsProxied && randomize ? null : endpoint.Port;
            var isContainer = resource is ContainerResource;
            if (!isContainer && endpoint.TargetPort is { } target && wanted is { } port && target != port)
                throw new DistributedApplicationException(
                    $"Endpoint '{endpoint.Name}' of '{resource.Name}' has port {port} and target port {target}; without a proxy they must be the same.");
            var first = (isContainer ? null : endpoint.TargetPort) ?? wanted ?? Free();
            endpoint.ReplicaPorts = [first, .. Enumerable.Range(1, resource.GetReplicaCount() - 1).Select(_ => Free())];
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", first);
        }
    }

    /// <summary>
    /// Below the ports that the system gives to outgoing connections: one of those could take it before its process, which may
    /// wait for others first, has come to listen.
    /// </summary>
    private static int Free()
    {
        lock (Gate)
            while (true)
            {
                var port = RandomNumberGenerator.GetInt32(20_000, 32_000);
                using TcpListener listener = new(IPAddress.Loopback, port);
                try
                {
                    listener.Start();
                }
                catch (SocketException)
                {
                    continue; // taken
                }
                if (Given.Add(port))
                    return port;
            }
    }
}
