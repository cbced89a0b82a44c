using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.Consumers.Ingestion;

/// <summary>How the consumer shares partitions with its group.</summary>
internal enum ConsumerProtocol
{
    /// <summary>KIP-848: the coordinator assigns.</summary>
    Consumer,

    /// <summary>The classic protocol, cooperative: only partitions that move are stopped.</summary>
    Classic,

    /// <summary>The classic protocol, eager: every rebalance stops all partitions.</summary>
    ClassicRange,
}

/// <summary>Section <c>Consumers</c>.</summary>
internal sealed class ConsumersOptions
{
    public const string Section = "Consumers";

    /// <summary>consumer, classic or classic-range.</summary>
    [Required, RegularExpression("consumer|classic|classic-range", ErrorMessage = "must be consumer, classic or classic-range")]
    public string GroupProtocol { get; init; } = "consumer";

    /// <summary>Maximum number of readings in one transaction of one lane.</summary>
    [Range(1, 100_000, ErrorMessage = "must be between 1 and 100000")]
    public int MaxBatchSize { get; init; } = 20_000;

    /// <summary>How long the first reading of a batch waits for others while the database is idle.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:10", ErrorMessage = "must be between 00:00:00 and 00:00:10")]
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Concurrent transactions, each for its share of the partitions.</summary>
    [Range(1, 16, ErrorMessage = "must be between 1 and 16")]
    public int Lanes { get; init; } = 2;

    /// <summary>How often the detector's memory is written while readings arrive.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "must be between 00:00:00.1 and 00:01:00")]
    public TimeSpan SnapshotInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The number of readings of a partition after which it is written at the latest.</summary>
    [Range(1, 10_000_000, ErrorMessage = "must be between 1 and 10000000")]
    public int SnapshotReadings { get; init; } = 20_000;

    /// <summary>Must not be set: earlier versions read it here, and each replica could have a different value.</summary>
    [RegularExpression("(?!)", ErrorMessage = "the retention is stored in the database; set Factory:Retention of the provisioner")]
    public string? Retention { get; init; }

    /// <summary>Maximum number of send spans that a batch's span links to.</summary>
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

/// <summary>The identity of this consumer, and its topics and group.</summary>
internal sealed record ConsumerIdentity(string ConsumerId, string Group, string SensorTopic, string AlertTopic, string DeadLetterTopic)
{
    public Guid InstanceId { get; } = Guid.NewGuid();
}
