using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>How the consumer shares partitions with its group.</summary>
internal enum ConsumerProtocol
{
    /// <summary>KIP-848: the coordinator assigns.</summary>
    Consumer,

    /// <summary>The classic protocol, cooperative: only what moves stops.</summary>
    Classic,

    /// <summary>The classic protocol, eager: all stop for every change.</summary>
    ClassicRange,
}

/// <summary>Section <c>Consumers</c>.</summary>
internal sealed class ConsumersOptions
{
    public const string Section = "Consumers";

    /// <summary>consumer, classic or classic-range.</summary>
    [Required, RegularExpression("consumer|classic|classic-range", ErrorMessage = "must be consumer, classic or classic-range")]
    public string GroupProtocol { get; init; } = "consumer";

    /// <summary>Most readings in one transaction of one lane.</summary>
    [Range(1, 100_000, ErrorMessage = "must be between 1 and 100000")]
    public int MaxBatchSize { get; init; } = 20_000;

    /// <summary>How long the first reading of a batch waits for others while the database is free.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:10", ErrorMessage = "must be between 00:00:00 and 00:00:10")]
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Transactions that run side by side, each for its share of the partitions.</summary>
    [Range(1, 16, ErrorMessage = "must be between 1 and 16")]
    public int Lanes { get; init; } = 2;

    /// <summary>How often the detector's memory is written while readings arrive.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "must be between 00:00:00.1 and 00:01:00")]
    public TimeSpan SnapshotInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>And after how many readings of a partition at the latest.</summary>
    [Range(1, 10_000_000, ErrorMessage = "must be between 1 and 10000000")]
    public int SnapshotReadings { get; init; } = 20_000;

    /// <summary>Must be left out: earlier versions read it here, and each replica could have another value.</summary>
    [RegularExpression("(?!)", ErrorMessage = "the retention is stored in the database; set Factory:Retention of the provisioner")]
    public string? Retention { get; init; }

    /// <summary>Most sends that a batch's span is linked to.</summary>
    [Range(0, 128, ErrorMessage = "must be between 0 and 128")]
    public int LinksPerSpan { get; init; } = 128;

    public ConsumerProtocol Protocol => GroupProtocol switch
    {
        "classic" => ConsumerProtocol.Classic,
        "classic-range" => ConsumerProtocol.ClassicRange,
        _ => ConsumerProtocol.Consumer,
    };
}

[OptionsValidator]
internal sealed partial class ConsumersOptionsValidator : IValidateOptions<ConsumersOptions>;

/// <summary>Who this consumer is, and which topics and group it works on.</summary>
internal sealed record ConsumerIdentity(string ConsumerId, string Group, string SensorTopic, string AlertTopic, string DeadLetterTopic)
{
    public Guid InstanceId { get; } = Guid.NewGuid();
}
