using System.Collections.Concurrent;
using System.Security.Claims;

namespace FactoryMonitoring.Monitoring.Web.Access;

/// <summary>
/// Sessions that have ended, by sign-out, by time or because their API key was removed: neither a kept cookie nor an open page or stream can continue them.
/// Sign-outs are known to this process only; its restart ends all sessions, because the keys of the cookies end with it.
/// </summary>
internal sealed class EndedSessions(ApiKeys keys, TimeProvider time)
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

    /// <summary>Returns whether the user has signed out, the session has expired, or the key is no longer known.</summary>
    public bool IsOver(ClaimsPrincipal user) =>
        (user.KeyHash() is { } hash && !keys.Contains(hash))
        || (user.SessionId() is { } session && _sessions.ContainsKey(session)) || (user.ExpiresAt() is { } expires && expires <= time.GetUtcNow());
}
