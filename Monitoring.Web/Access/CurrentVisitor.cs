using Microsoft.AspNetCore.Components.Authorization;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>Who looks at a page. A circuit can outlive the right of its visitor, so it is asked for at every act.</summary>
internal sealed class CurrentVisitor(AuthenticationStateProvider states, SignedOut signedOut)
{
    public async Task<Visitor> GetAsync()
    {
        var user = (await states.GetAuthenticationStateAsync()).User;
        var visitor = user.ToVisitor();
        return signedOut.IsOver(user) ? visitor with { Role = null } : visitor;
    }
}
