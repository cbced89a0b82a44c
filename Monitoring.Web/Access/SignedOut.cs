using System.Collections.Concurrent;
using System.Security.Claims;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>Sessions that were ended before their time: neither a kept cookie nor an open page goes on in their name.</summary>
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

    /// <summary>Whether the user has signed out, or has been signed in for too long.</summary>
    public bool IsOver(ClaimsPrincipal user) =>
        (user.SessionId() is { } session && _sessions.ContainsKey(session)) || (user.ExpiresAt() is { } expires && expires <= time.GetUtcNow());
}
