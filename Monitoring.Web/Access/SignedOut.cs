using System.Collections.Concurrent;
using System.Security.Claims;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>Sessions that were ended before they expired: neither a kept cookie nor an open page can continue them.</summary>
internal sealed class SignedOut(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, DateTimeOffset> _sessions = new(StringComparer.Ordinal);

    public void Add(ClaimsPrincipal user)
    {
        if (user.SessionId() is not { } session || user.ExpiresAt() is not { } expires) return;
        foreach (var (other, end) in _sessions)
        {
            if (end < time.GetUtcNow()) _sessions.TryRemove(other, out _);
        }

        _sessions[session] = expires;
    }

    /// <summary>Returns whether the user has signed out, or the session has expired.</summary>
    public bool IsOver(ClaimsPrincipal user) =>
        (user.SessionId() is { } session && _sessions.ContainsKey(session)) || (user.ExpiresAt() is { } expires && expires <= time.GetUtcNow());
}
