using Microsoft.AspNetCore.Components.Authorization;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>The visitor of a page. A circuit can outlive the right of its visitor, so it is checked at every action.</summary>
internal sealed class CurrentVisitor(AuthenticationStateProvider states, EndedSessions ended)
{
    public async Task<Visitor> GetAsync()
    {
        var user = (await states.GetAuthenticationStateAsync()).User;
        var visitor = user.ToVisitor();
        return ended.IsOver(user) ? visitor with { Role = null } : visitor;
    }
}
