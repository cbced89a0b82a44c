using FactoryMonitoring.Contracts;
using FactoryMonitoring.Contracts.Api;
using FactoryMonitoring.Data.Monitoring;
using FactoryMonitoring.Monitoring.Api.Cluster;
using FactoryMonitoring.Monitoring.Api.Monitor;
using FactoryMonitoring.Monitoring.Api.Snapshots;

namespace FactoryMonitoring.Monitoring.Api.Status;

/// <summary>The data by which a moment is judged.</summary>
/// <param name="LagAt">When <paramref name="Lag"/> was measured, by the database's clock.</param>
/// <param name="Unread">How long the database has not been read.</param>
internal sealed record Situation(
    MonitoringRows Rows,
    Judgement Judgement,
    ClusterMeasurement? Cluster,
    LagState Lag,
    DateTimeOffset? LagAt,
    RecoveryStopwatch? Recovery,
    DateTimeOffset Now,
    bool Away,
    bool Stale,
    TimeSpan Unread)
{
    /// <summary>Whether the database refuses writes because its disk is full; the last known state if it does not answer.</summary>
    public bool NoRoom { get; init; }

    /// <summary>Whether the database answers but accepts no writes.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Free bytes on the disks of servers on this machine, by name; without servers for which it is not known.</summary>
    public IReadOnlyDictionary<string, long> Free { get; init; } = new Dictionary<string, long>();
}

/// <summary>Describes the overall status: what is wrong, worst first, each with its subject; what it means, and how long it will last.</summary>
internal sealed class OverallStatusWriter
{
    private const string Ok = "ok";
    private const string Warning = "warning";
    private const string Critical = "critical";

    private static readonly TimeSpan OldNews = TimeSpan.FromMinutes(10);

    private string? _key;
    private DateTimeOffset _since;

    /// <param name="Key">Identifies the finding when its numbers change.</param>
    private sealed record Finding(string Level, string Key, string Sentence, string Detail = "", StatusLink? Link = null);

    public OverallStatus Write(Situation situation)
    {
        var findings = Findings(situation).OrderBy(finding => finding.Level == Critical ? 0 : 1).ToList();
        var key = string.Join('|', findings.Select(finding => finding.Key));
        if (key != _key)
        {
            _since = _key is null && situation.Rows.StatusChanges is [var newest, ..] ? newest.At : situation.Now;
            _key = key;
        }

        var recovery = IsNews(situation) ? situation.Recovery : null;
        List<StatusLink> links = [.. findings.Select(finding => finding.Link).OfType<StatusLink>()];
        return findings is [var worst, ..]
            ? new(worst.Level, worst.Sentence, worst.Detail, [.. findings.Select(finding => finding.Sentence)], _since, recovery, links.Count == 0 ? null : links)
            : new(Ok, "All readings flow", AllIsWell(situation), [], _since, recovery);
    }

    // A completed recovery is shown until something else goes down, or until it is old.
    private static bool IsNews(Situation situation) =>
        situation.Recovery is { } recovery
        && (recovery.CaughtUpMs is null
            || (!situation.Away && !situation.Stale && situation.Now - recovery.KilledAt < OldNews
                && !situation.Rows.StatusChanges.Any(change =>
                    change.Status is "inactive" or "down" && change.ComponentId != recovery.ComponentId && change.At > recovery.KilledAt)));

    private static IEnumerable<Finding> Findings(Situation situation) =>
    [
        .. Database(situation), .. Account(situation), .. Consumers(situation), .. Partitions(situation), .. Brokers(situation), .. Disks(situation), .. Sensors(situation), .. Rejections(situation), .. Parked(situation), .. Unsent(situation), .. Scattered(situation),
    ];

    private static IEnumerable<Finding> Database(Situation situation)
    {
        if (situation.Away || (situation.Stale && situation.Unread > SnapshotStore.BlindAfter))
        {
            var silence = $"does not answer for {Sentences.Lasting(situation.Unread)}";
            var shown = $"What is shown is the last that was read. {Waiting(situation)} at the brokers.";
            var known = situation.Free.TryGetValue(ResourceNames.Postgres, out var free);
            yield return known && free < DiskSpace.Least
                ? new(
                    Critical, "database", $"The database {silence}: {DiskSpace.Describe(free)}",
                    $"Make room there; it has ended if it could not write its log, and then it is started again once there is room. {shown} Consumers keep their partitions and try again.")
                : situation.NoRoom && !known
                ? new(
                    Critical, "database", $"The database had no room left on its disk and {silence}",
                    $"Make room there, and start it again if it has ended. {shown} Consumers keep their partitions and try again.")
                : new(Critical, "database", $"The database {silence}", $"{shown} Consumers pause, keep their partitions and try again.");
        }
        else if (situation.NoRoom)
        {
            yield return new(
                Critical,
                "database",
                "The database has no room left on its disk",
                $"Make room there, and all goes on by itself. {Waiting(situation)} at the brokers, which keep them. Consumers keep their partitions and try again; sensors keep their acknowledgements.");
        }
        else if (situation.ReadOnly)
        {
            yield return new(
                Critical,
                "database",
                "The database is read-only",
                "It is a standby, or default_transaction_read_only is on. Let it take writes, and all goes on by itself. "
                + $"{Waiting(situation)} at the brokers, which keep them. Who is alive cannot be seen meanwhile: heartbeats are not stored either.");
        }
        else if (situation.Stale)
        {
            yield return new(
                Warning, "database back", "The database answers again", "The services reconnect to it; what is shown stands until they have.");
        }
    }

    // A full disk of a server that is down is named in the finding about that server.
    private static IEnumerable<Finding> Disks(Situation situation)
    {
        HashSet<string> named = [.. situation.Cluster?.Brokers.Where(broker => !broker.Up).Select(broker => broker.Name) ?? []];
        if (situation.Away || situation.NoRoom)
        {
            named.Add(ResourceNames.Postgres);
        }

        foreach (var disk in situation.Free.Where(each => each.Value < DiskSpace.Low && !named.Contains(each.Key)).GroupBy(each => each.Value).OrderBy(group => group.Key))
        {
            List<string> names = [.. disk.Select(each => each.Key).Order(StringComparer.Ordinal)];
            yield return new(
                Warning,
                $"disk {string.Join(' ', names)}",
                $"{Sentences.Capital(DiskSpace.Describe(disk.Key, $"the disk of {Sentences.List(names)}"))}",
                "A database without room stores nothing, and a broker without room ends.");
        }
    }

    // Offsets move only in the database: while it is unavailable, consumers stay at the offsets that were read last.
    private static string Waiting(Situation situation)
    {
        var waiting = situation.Cluster is { } cluster
            ? cluster.Partitions.Select(partition => partition.Value.EndOffset - cluster.NextOffset(situation.Rows, partition.Key)).ToList()
            : [];
        return waiting.Count == 0 || waiting.Contains(null) ? "Messages wait"
            : waiting.Sum() is var sum && sum == 1 ? "1 message waits"
            : $"{Sentences.Messages(sum!.Value)} wait";
    }

    private static IEnumerable<Finding> Account(Situation situation)
    {
        var ledger = situation.Rows.Ledger;
        var culprit = ledger.Violations is [{ Partition: { } partition, Offset: { } offset } newest, ..]
            ? $"The newest: partition {partition}, offset {offset}{(newest.ConsumerId is null ? "" : $", {newest.ConsumerId}")}."
            : "";
        if (ledger.Missing > 0)
        {
            yield return new(Critical, "missing", $"{Sentences.Readings(ledger.Missing)} acknowledged and not stored", culprit);
        }

        if (ledger.Unsettled > 0 && situation.Judgement.Consumers.Count > 0)
        {
            yield return new(
                Warning,
                "unsettled",
                $"{Sentences.Readings(ledger.Unsettled)} acknowledged and not compared for more than a minute",
                "The consumers look for what their memory does not know, in small steps. Whether it is stored is not known before that ends; their log says if it fails.");
        }

        if (ledger.Duplicated > 0)
        {
            yield return new(Critical, "duplicated", $"{Sentences.Readings(ledger.Duplicated)} stored twice", culprit);
        }

        if (ledger.Audit is { Wrong: > 0 } audit)
        {
            yield return new(Critical, "miscounted", $"{(audit.Wrong == 1 ? "1 batch holds" : $"{audit.Wrong} batches hold")} other rows than were stored with it", culprit);
        }

        var skipped = ledger.Partitions.Sum(each => each.Skipped);
        if (skipped > 0)
        {
            yield return new(Critical, "skipped", $"The log had dropped {Sentences.Messages(skipped)} before they were read", culprit);
        }
    }

    private static IEnumerable<Finding> Consumers(Situation situation)
    {
        var (rows, judgement) = (situation.Rows, situation.Judgement);
        var waiting = Recovery.Waiting(rows, judgement);
        foreach (var row in rows.Consumers.Where(row => !row.Stopped && !judgement.Consumers.Contains(row.Health.ConsumerId)))
        {
            yield return Silent(situation, row, waiting);
        }

        if (rows.Consumers.Count == 0)
        {
            yield return new(Warning, "no consumer", "No consumer has reported yet", "Readings wait at the brokers until one does.");
        }
        else if (judgement.Consumers.Count == 0)
        {
            var messages = situation.Lag.Total is { } lag ? Sentences.Messages(lag) : "Messages";
            yield return new(Critical, "no consumer", "No consumer is active", $"{messages} wait at the brokers, which keep them.");
        }

        foreach (var health in rows.Consumers.Select(row => row.Health).Where(health => judgement.Consumers.Contains(health.ConsumerId)))
        {
            if (health.Condition is { } condition && !(situation.NoRoom && DatabaseRoom.IsSaidBy(condition)))
            {
                yield return new(Warning, $"condition {health.ConsumerId}", $"{health.ConsumerId} is {condition}");
            }
        }
    }

    private static Finding Silent(Situation situation, ConsumerRow row, IReadOnlyList<PartitionRow> waiting)
    {
        var id = row.Health.ConsumerId;
        var silence = Sentences.Lasting(situation.Now - (row.Health.LastHeartbeat ?? situation.Now));
        int[] held = [.. waiting.Where(partition => partition.Owner == id).Select(partition => partition.Partition).Order()];
        if (held.Length > 0)
        {
            return new(
                Critical,
                $"silent {id}",
                $"{id} is silent for {silence}; {Sentences.Partitions(held)} wait{(held.Length == 1 ? "s" : "")}",
                $"The group gives {(held.Length == 1 ? "it" : "them")} to another consumer when its session has ended. {Before(situation.Rows)}".TrimEnd());
        }

        var recovers = situation.Recovery is { CaughtUpMs: null } recovery && recovery.ComponentId == id
            && situation.Now - recovery.KilledAt < TimeSpan.FromMinutes(5);
        return recovers
            ? new(
                Warning,
                $"recovering {id}",
                $"Recovering: {id} {(situation.Recovery!.KilledAtSource == "exit" ? "was killed" : "went silent")}",
                CatchingUp(situation, situation.Recovery))
            : new(Warning, $"down {id}", $"{id} has been down for {silence}", "Others read its partitions.");
    }

    private static IEnumerable<Finding> Partitions(Situation situation)
    {
        if (situation.Cluster is { TopicIsMissing: true })
        {
            yield return new(
                Critical,
                "topic",
                "The brokers have no topic for readings",
                "Sensors keep what they measure as long as they can. All goes on by itself once the topic exists again; readings that it held and nobody had read are lost.");
        }

        var leaderless = situation.Cluster?.Partitions.Where(pair => pair.Value.Leader is null).Select(pair => pair.Key).ToList() ?? [];
        if (leaderless.Count > 0)
        {
            yield return new(
                Critical,
                "leaderless",
                $"{Sentences.Capital(Sentences.Partitions(leaderless))} {(leaderless.Count == 1 ? "has" : "have")} no leader",
                "Nothing can be written there until a replica in sync is back.");
        }

        foreach (var (partition, measured) in situation.Cluster?.Partitions.Where(pair => pair.Value.HeldFor >= Stalls.Limit) ?? [])
        {
            yield return new(
                Warning,
                $"transaction {partition}",
                $"Partition {partition}: the open transaction of a producer holds {Sentences.Messages(measured.HeldBack)} back for {Sentences.Lasting(measured.HeldFor)}",
                "They are read once it commits, aborts or times out.");
        }

        var waiting = Recovery.Waiting(situation.Rows, situation.Judgement).Select(row => row.Partition).ToHashSet();
        foreach (var (row, lag) in Stalls.Of(situation).Where(stall => !waiting.Contains(stall.Row.Partition)))
        {
            var age = $"{(lag.Seconds is null ? "more than " : "")}{Sentences.Lasting(TimeSpan.FromSeconds(lag.LeastSeconds))}";
            yield return new(
                Critical,
                $"stalled {row.Partition}",
                $"Partition {row.Partition} stands still: {Sentences.Messages(lag.Lag)} {(lag.Lag == 1 ? "waits" : "wait")}, the oldest for {age}",
                IsAssigned(situation, row)
                    ? $"{row.Owner} owns it."
                    : situation.Judgement.Consumers.Count == 0
                    ? "Nobody owns it."
                    : $"Nobody owns it, though consumers are active. If that lasts, the brokers keep it for a consumer that is gone: set {EnvironmentNames.ConsumerGroup} to another name for the consumers and this API, and restart them. Nothing is lost: the offsets are in the database.");
        }

        if (situation.Lag is { Total: { } total, Seconds: { } seconds } && seconds >= Stalls.Limit.TotalSeconds)
        {
            yield return new(
                Warning, "behind", $"The consumers are {Sentences.Seconds(Math.Round(seconds))} behind: {Sentences.Messages(total)} wait");
        }
    }

    private static bool IsAssigned(Situation situation, PartitionRow row) =>
        row.Owner is not null && row.ReleasedAt is null
        && situation.Rows.Consumers.Any(consumer => consumer.Health.ConsumerId == row.Owner
            && (!situation.Judgement.Consumers.Contains(row.Owner) || consumer.Health.AssignedPartitions.Contains(row.Partition)));

    private static IEnumerable<Finding> Brokers(Situation situation)
    {
        if (situation.Cluster is not { Brokers.Count: > 0 } cluster)
        {
            yield break;
        }

        var down = cluster.Brokers.Where(broker => !broker.Up).ToList();
        if (down.Count * 2 >= cluster.Brokers.Count)
        {
            var names = Sentences.List([.. down.Select(broker => broker.Name)]);
            yield return new(
                Critical,
                "brokers",
                down.Count == cluster.Brokers.Count ? "No broker answers" : $"{names} are down",
                $"{FullDisks(situation, down)}Without a majority nothing is acknowledged; the sensors keep what they measure as long as they can.");
            yield break;
        }

        foreach (var broker in down)
        {
            var why = situation.Free.TryGetValue(broker.Name, out var free) && free < DiskSpace.Least ? $": {DiskSpace.Describe(free)}" : "";
            yield return new(
                Warning,
                $"broker {broker.Id}",
                $"{broker.Name} is down{why}",
                $"{(why.Length > 0 ? "Make room there and start it again. " : "")}The other brokers lead its partitions and keep every reading.");
        }

        var thin = cluster.Partitions.Where(pair => pair.Value.InSyncReplicas.Count < pair.Value.Replicas.Count).Select(pair => pair.Key).Order().ToList();
        if (down.Count == 0 && thin.Count > 0)
        {
            yield return new(
                Warning,
                "replicas",
                $"{Sentences.Capital(Sentences.Partitions(thin))} {(thin.Count == 1 ? "has" : "have")} replicas that are not in sync",
                "A broker that came back copies what it missed.");
        }
    }

    private static string FullDisks(Situation situation, List<BrokerMeasurement> down)
    {
        var full = down.Where(broker => situation.Free.TryGetValue(broker.Name, out var free) && free < DiskSpace.Least).ToList();
        var least = full.Count == 0 ? 0 : full.Min(broker => situation.Free[broker.Name]);
        return full.Count == 0
            ? ""
            : $"{Sentences.Capital(DiskSpace.Describe(least, $"the disk of {Sentences.List([.. full.Select(broker => broker.Name)])}"))}: make room there and start {(full.Count == 1 ? "it" : "them")} again. ";
    }

    private static IEnumerable<Finding> Sensors(Situation situation)
    {
        foreach (var (health, stopped) in situation.Rows.Producers)
        {
            var id = health.ProducerId;
            if (!situation.Judgement.Producers.Contains(id))
            {
                if (!stopped)
                {
                    var silence = Sentences.Lasting(situation.Now - (health.LastHeartbeat ?? situation.Now));
                    yield return new(
                        Warning, $"silent {id}", $"{id} is silent for {silence}", "Its sensors are not measured until it is started again.");
                }
            }
            else if (health.Connection is "degraded" or "disconnected" && !(situation.NoRoom && DatabaseRoom.IsSaidBy(health.Condition)))
            {
                yield return new(
                    Warning,
                    $"connection {id}",
                    health.Connection == "degraded" ? $"{id}: {health.Condition ?? "degraded"}" : $"{id} cannot reach the brokers",
                    $"{Sentences.Readings(health.Queued ?? 0)} wait in it.");
            }
        }
    }

    private static IEnumerable<Finding> Rejections(Situation situation)
    {
        var rows = situation.Rows.Rejections;
        var count = rows.Sum(row => row.Count);
        if (count == 0)
        {
            yield break;
        }

        var reasons = Most(rows.GroupBy(row => row.Reason));
        var sensors = rows.Where(row => row.SensorId is not null).GroupBy(row => row.SensorId!).OrderByDescending(group => group.Sum(row => row.Count)).ToList();
        var named = sensors.Count == 0 ? "None of them names its sensor." : $"From {Most(sensors)}.";
        yield return new(
            Warning,
            "rejected",
            $"{(count >= MonitoringQueries.RejectionsCounted ? "At least " : "")}{Sentences.Count(count)} message{(count == 1 ? " was" : "s were")} rejected in the last 5 minutes",
            $"{reasons}. {named} They are dead letters, and their partitions go on.",
            sensors.Count == 0 ? null : new StatusLink($"Dead letters of {sensors[0].Key}", ComponentPath.Sensor(sensors[0].Key)));
    }

    /// <summary>Returns the three largest groups, each with its count.</summary>
    private static string Most(IEnumerable<IGrouping<string, RejectionRow>> groups)
    {
        var largest = groups.Select(group => (group.Key, Count: group.Sum(row => row.Count))).OrderByDescending(each => each.Count).ToList();
        List<string> named = [.. largest.Take(3).Select(each => $"{each.Key} ({Sentences.Count(each.Count)})")];
        return Sentences.List(largest.Count > 3 ? [.. named, $"{largest.Count - 3} more"] : named);
    }

    private static IEnumerable<Finding> Parked(Situation situation)
    {
        if (situation.Rows.Parked is { Count: > 0 and var count, Reason: var reason })
        {
            yield return new(
                Warning,
                "parked",
                $"{Sentences.Count(count)} message{(count == 1 ? "" : "s")} cannot be sent",
                $"No broker takes {(count == 1 ? "it" : "them")}: {reason ?? "no reason given"}. make send-parked tries once more.");
        }
    }

    private static IEnumerable<Finding> Unsent(Situation situation)
    {
        foreach (var (topic, count, since) in situation.Rows.Unsent)
        {
            var minutes = Math.Max(1, (long)(situation.Rows.DatabaseTime - since).TotalMinutes);
            yield return new(
                Warning,
                "unsent",
                $"{Sentences.Count(count)} message{(count == 1 ? "" : "s")} for {topic} wait{(count == 1 ? "s" : "")} to be sent",
                $"The brokers do not take {(count == 1 ? "it" : "them")} now, or no consumer sends {(count == 1 ? "it" : "them")}: the oldest waits for {Sentences.Count(minutes)} min. The consumers try again and say why; make doctor names a topic or a right that is missing.");
        }
    }

    private static IEnumerable<Finding> Scattered(Situation situation)
    {
        if (situation.Rows.Scattered is { Count: > 0 and var count, SensorId: { } sensor })
        {
            yield return new(
                Warning,
                "scattered",
                $"Readings of {(count == 1 ? sensor : $"{Sentences.Count(count)} sensors")} arrive in several partitions",
                $"{(count == 1 ? "It is" : "Each is")} judged by those in one of them. Send the sensor's id as the message's key.",
                new StatusLink(sensor, ComponentPath.Sensor(sensor)));
        }
    }

    private static string AllIsWell(Situation situation)
    {
        var (rows, judgement) = (situation.Rows, situation.Judgement);
        List<string> active = [$"{judgement.Producers.Count} of {rows.Producers.Count(row => !row.Stopped)} sensor processes"];
        if (situation.Cluster is { Brokers.Count: > 0 } cluster)
        {
            active.Add($"{cluster.Brokers.Count(broker => broker.Up)} of {cluster.Brokers.Count} brokers");
        }

        active.Add($"{judgement.Consumers.Count} of {rows.Consumers.Count(row => !row.Stopped)} consumers");
        var lag = situation.Lag.Total is { } behind ? $"; {Sentences.Messages(behind)} behind" : "";
        string[] stopped =
        [
            .. rows.Consumers.Where(row => row.Stopped).Select(row => row.Health.ConsumerId),
            .. rows.Producers.Where(row => row.Stopped).Select(row => row.Health.ProducerId),
        ];
        return $"{string.Join(", ", active)}{lag}.{(stopped.Length == 0 ? "" : $" Stopped on request: {Sentences.List(stopped)}.")}";
    }

    private static string CatchingUp(Situation situation, RecoveryStopwatch recovery)
    {
        var subject = Sentences.Capital(Sentences.Partitions(recovery.Partitions));
        var one = recovery.Partitions.Count == 1;
        if (recovery.FirstRecordMs is null)
        {
            return $"{subject} {(one ? "has a new owner, which has" : "have new owners, which have")} not stored anything yet.";
        }

        var lag = recovery.Partitions.Sum(partition => situation.Lag.Partitions.TryGetValue(partition, out var each) ? each.Lag : 0);
        return $"{subject} {(one ? "has a new owner and is" : "have new owners and are")} catching up: {Sentences.Messages(lag)} to go.";
    }

    // Measured durations of earlier stalls, not an expected value. While the factory is off, nothing recovers.
    private static string Before(MonitoringRows rows)
    {
        var stalls = rows.RebalancingEvents.Where(each => each is { EventType: "assigned", StallMs: > 1000 } && each.StallMs <= NewestRebalances.LongestPause.TotalMilliseconds).Select(each => each.StallMs!.Value).Order().ToList();
        return stalls.Count == 0
            ? ""
            : $"The last {(stalls.Count == 1 ? "time" : $"{stalls.Count} times")} it took {Sentences.Seconds(stalls[stalls.Count / 2] / 1000.0)}.";
    }
}
