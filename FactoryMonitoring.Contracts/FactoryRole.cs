using System.Text.Json.Serialization;
using FactoryMonitoring.Contracts.Control;

namespace FactoryMonitoring.Contracts;

/// <summary>What somebody may do. Each role may do what those before it may.</summary>
[JsonConverter(typeof(WireEnumConverter<FactoryRole>))]
public enum FactoryRole
{
    /// <summary>Sees everything and changes nothing.</summary>
    Viewer = 1,

    /// <summary>Starts, stops and scales.</summary>
    Operator = 2,

    /// <summary>Breaks things on purpose.</summary>
    Breaker = 3,
}

public static class FactoryRoles
{
    /// <summary>The least role that may give the command.</summary>
    public static FactoryRole Needed(this ControlCommand command) => command switch
    {
        ResourceCommand { Action: ResourceAction.Start or ResourceAction.Stop or ResourceAction.Restart } or ScaleCommand or SendCommand => FactoryRole.Operator,
        _ => FactoryRole.Breaker,
    };
}

/// <summary>How the page's service tells the fault lab who asks: headers that it takes from nobody else. Names are percent-encoded.</summary>
public static class VisitorHeaders
{
    public const string Name = "Factory-Visitor";
    public const string Role = "Factory-Role";
    public const string Address = "Factory-Address";

    /// <summary>The name of visitors who did not sign in.</summary>
    public const string Anonymous = "anonymous";

    /// <summary>The name by which the page's service asks for itself, for all who look at pages.</summary>
    public const string ThePage = "the-page";
}
