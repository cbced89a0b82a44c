using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Dashboard;

/// <summary>A snapshot in the words of the protocol.</summary>
internal static class ResourceMessages
{
    private const string ParentProperty = "resource.parentName";
    private const string ExitCodeProperty = "resource.exitCode";

    public static Protocol.Resource ToMessage(this ResourceEvent change, DateTime seenAt)
    {
        var snapshot = change.Snapshot;
        Protocol.Resource message = new()
        {
            Name = change.ResourceId,
            Uid = change.ResourceId,
            DisplayName = change.Resource.Name,
            ResourceType = snapshot.ResourceType,
            CreatedAt = ToTimestamp(snapshot.CreationTimeStamp ?? seenAt),
            StartedAt = ToTimestamp(snapshot.StartTimeStamp),
            StoppedAt = ToTimestamp(snapshot.StopTimeStamp),
            IsHidden = snapshot.IsHidden,
        };
        if (snapshot.State is { } state)
        {
            message.State = state.Text;
            if (state.Style is { } style)
                message.StateStyle = style;
        }
        message.Environment.AddRange(snapshot.EnvironmentVariables.Select(ToMessage));
        message.Properties.AddRange(Properties(change.Resource, snapshot).Select(ToMessage));
        message.Urls.AddRange(snapshot.Urls.Select(ToMessage));
        message.HealthReports.AddRange(snapshot.HealthReports.Select(ToMessage));
        message.Relationships.AddRange(snapshot.Relationships.Select(relationship =>
            new Protocol.ResourceRelationship { ResourceName = relationship.ResourceName, Type = relationship.Type }));
        message.Commands.AddRange(snapshot.Commands.Select(ToMessage));
        return message;
    }

    /// <summary>The parent and the exit code are properties in the protocol and have places of their own in the model.</summary>
    private static IEnumerable<ResourcePropertySnapshot> Properties(IResource resource, CustomResourceSnapshot snapshot)
    {
        foreach (var property in snapshot.Properties)
            yield return property;
        if (snapshot.ExitCode is { } exitCode && snapshot.Properties.All(property => property.Name != ExitCodeProperty))
            yield return new ResourcePropertySnapshot(ExitCodeProperty, exitCode);
        if (snapshot.Properties.Any(property => property.Name == ParentProperty))
            yield break;
        var parent = resource is IResourceWithParent child ? child.Parent
            : resource.Annotations.OfType<ResourceRelationshipAnnotation>().FirstOrDefault(relationship => relationship.Type == "Parent")?.Resource;
        if (parent is not null)
            yield return new ResourcePropertySnapshot(ParentProperty, parent.InstanceIds()[0]);
    }

    private static Protocol.EnvironmentVariable ToMessage(EnvironmentVariableSnapshot variable)
    {
        Protocol.EnvironmentVariable message = new() { Name = variable.Name, IsFromSpec = variable.IsFromSpec };
        if (variable.Value is { } value)
            message.Value = value;
        return message;
    }

    private static Protocol.ResourceProperty ToMessage(ResourcePropertySnapshot property)
        => new() { Name = property.Name, Value = ToValue(property.Value), IsSensitive = property.IsSensitive };

    private static Value ToValue(object? value) => value switch
    {
        null => Value.ForNull(),
        string text => Value.ForString(text),
        bool flag => Value.ForBool(flag),
        int or long or double => Value.ForNumber(Convert.ToDouble(value, CultureInfo.InvariantCulture)),
        DateTime time => Value.ForString(time.ToString("O", CultureInfo.InvariantCulture)),
        IEnumerable<string> list => Value.ForList([.. list.Select(Value.ForString)]),
        _ => Value.ForString(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""),
    };

    private static Protocol.Url ToMessage(UrlSnapshot url)
    {
        Protocol.Url message = new()
        {
            FullUrl = url.Url,
            IsInternal = url.IsInternal,
            IsInactive = url.IsInactive,
            DisplayProperties = new() { DisplayName = url.DisplayProperties.DisplayName, SortOrder = url.DisplayProperties.SortOrder },
        };
        if (url.Name is { } name)
            message.EndpointName = name;
        return message;
    }

    private static Protocol.HealthReport ToMessage(HealthReportSnapshot report)
    {
        Protocol.HealthReport message = new()
        {
            Key = report.Name,
            Description = report.Description ?? "",
            Exception = report.ExceptionText ?? "",
            LastRunAt = ToTimestamp(report.LastRunAt),
        };
        if (report.Status is { } status)
            message.Status = status switch
            {
                HealthStatus.Healthy => Protocol.HealthStatus.Healthy,
                HealthStatus.Degraded => Protocol.HealthStatus.Degraded,
                _ => Protocol.HealthStatus.Unhealthy,
            };
        return message;
    }

    private static Protocol.ResourceCommand ToMessage(ResourceCommandSnapshot command)
    {
        Protocol.ResourceCommand message = new()
        {
            Name = command.Name,
            DisplayName = command.DisplayName,
            IsHighlighted = command.IsHighlighted,
            State = (Protocol.ResourceCommandState)command.State,
        };
        if (command.ConfirmationMessage is { } confirmation)
            message.ConfirmationMessage = confirmation;
        if (command.DisplayDescription is { } description)
            message.DisplayDescription = description;
        if (command.IconName is { } icon)
            message.IconName = icon;
        if (command.IconVariant is { } variant)
            message.IconVariant = (Protocol.IconVariant)variant;
        return message;
    }

    private static Timestamp? ToTimestamp(DateTime? time) => time is { } known ? Timestamp.FromDateTime(known.ToUniversalTime()) : null;
}
