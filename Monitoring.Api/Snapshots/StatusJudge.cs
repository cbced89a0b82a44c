using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;

namespace FactoryMonitoring.Monitoring.Api.Snapshots;

/// <summary>
/// Judges which components are active: those that have not stopped cleanly and whose last heartbeat is younger than
/// <see cref="Liveness.HeartbeatLimit"/> by the database's clock. While the observer is blind, it declares no component dead: the last known status remains.
/// </summary>
internal sealed class StatusJudge
{
    private readonly Dictionary<(string Kind, string Id), bool> _known = [];

    /// <param name="rows">The rows that were read.</param>
    /// <param name="now">The time by the database's clock.</param>
    /// <param name="blind">Whether the database is unavailable, or was a moment ago: heartbeats may be old because they could not be written.</param>
    public Judgement Judge(MonitoringRows rows, DateTimeOffset now, bool blind)
    {
        DateTimeOffset? nextChange = null;
        return new(
            rows.Consumers.Select(row => row.Health)
                .Where(health => IsActive(("consumer", health.ConsumerId), health.Status, health.LastHeartbeat))
                .Select(health => health.ConsumerId).ToHashSet(),
            rows.Producers.Select(row => row.Health)
                .Where(health => IsActive(("producer", health.ProducerId), health.Status, health.LastHeartbeat))
                .Select(health => health.ProducerId).ToHashSet(),
            nextChange,
            blind);

        bool IsActive((string, string) component, string status, DateTimeOffset? heartbeat)
        {
            var stopped = status == Statuses.Inactive;
            var expires = heartbeat + Liveness.HeartbeatLimit;
            var active = !stopped && expires > now;
            if (blind && !stopped && !active)
            {
                return _known.GetValueOrDefault(component);
            }

            _known[component] = active;
            if (active && !blind && (nextChange is null || expires < nextChange))
            {
                nextChange = expires;
            }

            return active;
        }
    }
}

/// <summary>The active components.</summary>
/// <param name="NextChange">Until when the judgement holds if nothing new is read.</param>
/// <param name="Blind">Whether heartbeats may be old because they could not be written; then nobody is declared dead.</param>
internal sealed record Judgement(IReadOnlySet<string> Consumers, IReadOnlySet<string> Producers, DateTimeOffset? NextChange, bool Blind);
