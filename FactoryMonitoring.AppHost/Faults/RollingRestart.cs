using Confluent.Kafka;
using FactoryMonitoring.AppHost.Control;
using FactoryMonitoring.AppHost.Kafka;

namespace FactoryMonitoring.AppHost.Faults;

/// <summary>Restarts the brokers one after another, as an operator does to avoid an interruption.</summary>
internal sealed class RollingRestart(
    KafkaClusterResource cluster, DistributedApplicationModel model, ResourceWatch watch, AnnouncedCommands commands, TimeProvider time)
    : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Restarts each broker, and continues with the next when it answers and all replicas of every partition are in sync again.</summary>
    /// <param name="by">Who requests the restart.</param>
    /// <returns>Why the restart was aborted; null if all brokers were restarted.</returns>
    public async Task<string?> RunAsync(string by, CancellationToken cancellationToken)
    {
        if (!await _turn.WaitAsync(TimeSpan.Zero, cancellationToken)) return "a rolling restart is under way";
        try
        {
            var brokers = model.Resources.OfType<IKafkaBroker>().ToArray();
            foreach (var broker in brokers) await watch.UntilEndIsSeenAsync(broker.Name, cancellationToken);
            var down = brokers.Where(broker => watch.Find(broker.Name)?.State?.Text != KnownResourceStates.Running).Select(broker => broker.Name).ToList();
            if (down.Count > 0) return $"{string.Join(" and ", down)} must run first: a restart would take another broker from the cluster";
            using var admin = new AdminClientBuilder(cluster.Configure(new AdminClientConfig())).SetLogHandler((_, _) => { }).Build();
            foreach (var broker in brokers)
            {
                if (await commands.RunAsync(broker, ResourceAction.Restart, by, cancellationToken) is { } refusal) return $"{broker.Name}: {refusal}";
                if (await WaitAsync(broker, admin, cancellationToken) is { } problem) return $"{broker.Name} is not whole again after {Patience.TotalSeconds:F0} s: {problem}";
            }
            return null;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<string?> WaitAsync(IKafkaBroker broker, IAdminClient admin, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        using var timer = new PeriodicTimer(Interval, time);
        string? problem;
        do
        {
            problem = await KafkaProbe.AskAsync(broker.Port, cancellationToken) ?? await OutOfSyncAsync(admin);
            if (problem is null) return null;
        }
        while (time.GetElapsedTime(start) < Patience && await timer.WaitForNextTickAsync(cancellationToken));
        return problem;
    }

    private Task<string?> OutOfSyncAsync(IAdminClient admin) => Task.Run(() =>
    {
        try
        {
            var metadata = admin.GetMetadata(TimeSpan.FromSeconds(3));
            if (metadata.Brokers.Count < cluster.Ports.Count) return $"{metadata.Brokers.Count} of {cluster.Ports.Count} brokers are in the cluster";
            var behind = metadata.Topics.Sum(topic => topic.Partitions.Count(partition => partition.InSyncReplicas.Length < partition.Replicas.Length));
            return behind == 0 ? null : $"{behind} partitions lack a replica in sync";
        }
        catch (KafkaException exception)
        {
            return exception.Error.Reason;
        }
    });
}
