using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Monitoring.Web.Layout;
using Microsoft.AspNetCore.Components;

namespace FactoryMonitoring.Monitoring.Web.Api;

/// <summary>The page of one sensor, consumer, producer or broker, whatever characters its id has.</summary>
public abstract class ComponentPage<T> : PolledComponent<T>
    where T : class
{
    /// <summary>The id as the router read it from the path.</summary>
    [Parameter]
    public string? Rest { get; set; }

    /// <summary>The id, if a path cannot contain it.</summary>
    [SupplyParameterFromQuery(Name = ComponentPath.Id)]
    public string? Asked { get; set; }

    /// <summary>The id, if the page is shown beside another one, whose address it is not.</summary>
    [CascadingParameter(Name = DetailDrawer.IdName)]
    private string? Beside { get; set; }

    [Inject]
    internal NavigationManager Navigation { get; set; } = null!;

    /// <summary>The id of the component that is shown.</summary>
    protected string Id { get; private set; } = "";

    /// <summary>The folder of the pages, for example <c>/sensors/</c>.</summary>
    protected abstract string Folder { get; }

    protected override Task OnParametersSetAsync()
    {
        Id = Beside ?? (Rest is null ? Asked : ComponentPath.IdIn(Navigation.Uri, Folder)) ?? "";
        return base.OnParametersSetAsync();
    }
}
