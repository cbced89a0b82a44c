using System.Globalization;
using System.Text;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Creates dead letters from messages that are not readings, or that the database refuses.</summary>
internal sealed class DeadLetters(ConsumerIdentity identity)
{
    /// <param name="value">Null if key and value must be read from the log.</param>
    public DeadLetterRow Of(int partition, long offset, string reason, string detail, byte[]? key, KeptValue? value)
    {
        var isKnown = value is not null && value != KeptValue.Unknown;
        return new DeadLetterRow(
            identity.DeadLetterTopic,
            key,
            value?.Bytes,
            [
                DeadLetterHeaders.Topic, DeadLetterHeaders.Partition, DeadLetterHeaders.Offset, DeadLetterHeaders.Reason, DeadLetterHeaders.Detail,
                .. isKnown ? new[] { DeadLetterHeaders.ValueSize, DeadLetterHeaders.ValueSha256 } : [],
            ],
            [
                Utf8(identity.SensorTopic), Utf8(Number(partition)), Utf8(Number(offset)), Utf8(reason), Utf8(detail),
                .. isKnown ? new[] { Utf8(Number(value!.Size)), Utf8(value.Sha256) } : [],
            ],
            partition,
            offset,
            ValueAtSource: value is null);

        static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
        static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Adds a rejected message to the write, for the ledger and for its topic.</summary>
    public void Add(IngestWrite write, RejectedMessage rejected)
    {
        var reason = Rejections.NameOf(rejected.Reason);
        var partition = rejected.Partition.Number;
        write.Rejected.Add(new RejectedRow(partition, rejected.Offset, reason, rejected.Detail, rejected.SensorId, rejected.SequenceId, rejected.ReadingCount));
        write.DeadLetters.Add(Of(partition, rejected.Offset, reason, rejected.Detail, rejected.Key, rejected.Value));
    }
}
