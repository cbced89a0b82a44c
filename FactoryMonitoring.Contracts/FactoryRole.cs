using System.Text.Json.Serialization;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.Contracts;

/// <summary>A user's permissions. Each role includes the ones before it.</summary>
[JsonConverter(typeof(WireEnumConverter<FactoryRole>))]
public enum FactoryRole
{
    /// <summary>Sees everything and changes nothing.</summary>
    Viewer = 1,

    /// <summary>Starts, stops and scales.</summary>
    Operator = 2,

    /// <summary>Causes faults.</summary>
    Breaker = 3,
}

public static class FactoryRoles
{
    /// <summary>Returns the lowest role that may give the command.</summary>
    public static FactoryRole Needed(this ControlCommand command) => command switch
    {
        ResourceCommand { Action: ResourceAction.Start or ResourceAction.Stop or ResourceAction.Restart } or ScaleCommand or SendCommand => FactoryRole.Operator,
        _ => FactoryRole.Breaker,
    };
}

/// <summary>
/// Headers in which the page's service names the requester to the fault lab, which accepts them from no other client. Names are percent-encoded.
/// </summary>
public static class VisitorHeaders
{
    public const string Name = "Factory-Visitor";
    public const string Role = "Factory-Role";
    public const string Address = "Factory-Address";

    /// <summary>The name of visitors who did not sign in.</summary>
    public const string Anonymous = "anonymous";

    /// <summary>The name under which the page's service sends its own requests, on behalf of all viewers of pages.</summary>
    public const string ThePage = "the-page";
}
