using System.Buffers.Binary;
using System.Net.Sockets;

namespace FactoryMonitoring.Monitoring.Api.Cluster;

/// <summary>
/// Asks a broker which node is the active controller: the leader of the metadata quorum. The client has no call for it, and the controller
/// that its metadata name is any broker (KIP-590), so this speaks the one request of the protocol that tells: DescribeQuorum (KIP-595),
/// version 0.
/// </summary>
internal static class ControllerQuery
{
    private const short ApiKey = 55;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <returns>The node's id; null where no broker says.</returns>
    public static async Task<int?> AskAsync(IEnumerable<BrokerMeasurement> brokers, CancellationToken cancellationToken)
    {
        foreach (var broker in brokers.Where(broker => broker.Up))
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Patience);
            try
            {
                using var socket = new TcpClient();
                await socket.ConnectAsync(broker.Host, broker.Port, limit.Token);
                var stream = socket.GetStream();
                await stream.WriteAsync(Request(), limit.Token);
                var size = new byte[4];
                await stream.ReadExactlyAsync(size, limit.Token);
                var answer = new byte[Math.Min(BinaryPrimitives.ReadInt32BigEndian(size), 64 * 1024)];
                await stream.ReadExactlyAsync(answer, limit.Token);
                if (Leader(answer) is { } leader)
                {
                    return leader;
                }
            }
            catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // The next broker may know.
                continue;
            }
        }

        return null;
    }

    /// <summary>The leader that an answer (without its size) names; null where it names none.</summary>
    public static int? Leader(ReadOnlySpan<byte> answer)
    {
        // Correlation id and tags; error; topics (count + 1), name (length + 1), partitions (count + 1); index, error, leader. All counts
        // and lengths here are below 127: one byte each.
        const int Topics = 4 + 1 + 2;
        if (answer.Length <= Topics + 1 || BinaryPrimitives.ReadInt16BigEndian(answer[5..]) != 0 || answer[Topics] < 2)
        {
            return null;
        }

        var partition = Topics + 1 + answer[Topics + 1] + 1;
        if (answer.Length < partition + 10 || BinaryPrimitives.ReadInt16BigEndian(answer[(partition + 4)..]) != 0)
        {
            return null;
        }

        return BinaryPrimitives.ReadInt32BigEndian(answer[(partition + 6)..]) is var leader and >= 0 ? leader : null;
    }

    private static byte[] Request()
    {
        var topic = "__cluster_metadata"u8;
        var client = "monitoring-api"u8;
        byte[] body =
        [
            .. Short(ApiKey), .. Short(0), 0, 0, 0, 1, .. Short((short)client.Length), .. client, 0,
            2, (byte)(topic.Length + 1), .. topic, 2, 0, 0, 0, 0, 0, 0, 0,
        ];
        var size = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(size, body.Length);
        return [.. size, .. body];
    }

    private static byte[] Short(short value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        return bytes;
    }
}
