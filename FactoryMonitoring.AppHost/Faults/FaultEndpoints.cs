using System.Globalization;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Setup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>The read-only part of the control endpoint that concerns faults.</summary>
internal static class FaultEndpoints
{
    /// <summary>The reason for a refusal when faults are off.</summary>
    public const string Reason = $"{FactorySettings.FaultsKey} is false: faults are off; set it to true to allow them (never in Production)";

    public static void MapFaults(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet(ControlRoutes.Faults, Describe);
        endpoints.MapGet(ControlRoutes.Load, (HttpRequest request, LoadBurst load) =>
            load.Snapshot() is var body ? Answers.Body(request, body, ControlJson.Context.LoadBody, body.ToString()) : null);
    }

    public static string Sentence(this LinkBody link) => string.Create(
        CultureInfo.InvariantCulture,
        $"the {WireName.Of(link.Name)} link is {(link.State == LinkState.Slow ? $"slow ({link.DelayMs:F0} ms each way)" : WireName.Of(link.State))}, {link.Connections} connections");

    private static IResult Describe(HttpRequest request, FactorySetup setup, ConsumerScale scale, Links links, LoadBurst load)
    {
        var enabled = setup.Settings.Faults;
        var body = new FaultsBody(
            enabled, enabled ? null : Reason, WireName.Of(setup.Kafka.Backing), scale.Running(), scale.Most, links.Snapshot(), load.Snapshot(), setup.Postgres.IsExternal);
        string[] lines =
        [
            string.Create(CultureInfo.InvariantCulture, $"{body.Reason ?? "faults are on"}; {body.Consumers} consumers of {body.MaxConsumers} run; {body.Load}"),
            .. body.Links.Select(Sentence),
        ];
        return Answers.Body(request, body, ControlJson.Context.FaultsBody, string.Join('\n', lines));
    }
}
