using System.ComponentModel.DataAnnotations;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.EmbeddedKafka.Cluster;

/// <summary>What the embedded cluster consists of; section <c>EmbeddedKafka</c>.</summary>
internal sealed class EmbeddedKafkaOptions
{
    public const string Section = "EmbeddedKafka";

    /// <summary>The fixed ports of the brokers on loopback, broker 1 first; as many brokers as ports.</summary>
    [Required, MinLength(1), MaxLength(9)]
    public int[] Ports { get; set; } = [];

    /// <summary>Groups whose coordinator is moved when its broker goes down. Others stay with it.</summary>
    [Required]
    public string[] Groups { get; set; } = [];

    /// <summary>Whoever takes a broker down or brings it up has to know it. Without one nobody may.</summary>
    public string? ControlToken { get; set; }

    [Required, MinLength(1), ValidateEnumeratedItems]
    public TopicOptions[] Topics { get; set; } = [];

    /// <summary>Where no topics or groups are set, they are those of the factory.</summary>
    public static void Complete(EmbeddedKafkaOptions options)
    {
        if (options.Topics.Length == 0) options.Topics = [.. KafkaNames.Default.Topics().Select(topic => new TopicOptions { Name = topic.Name, Partitions = topic.Partitions })];
        if (options.Groups.Length == 0) options.Groups = [KafkaNames.Default.ConsumerGroup];
    }

    /// <summary>How long a broker that came back waits before it gets its partitions: clients first have to learn of it.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan ReturnDelay { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>A topic of the embedded cluster.</summary>
internal sealed class TopicOptions
{
    [Required, RegularExpression("[a-zA-Z0-9._-]{1,249}")]
    public string Name { get; set; } = "";

    [Range(1, 1000)]
    public int Partitions { get; set; } = 1;
}

[OptionsValidator]
internal sealed partial class EmbeddedKafkaOptionsValidator : IValidateOptions<EmbeddedKafkaOptions>;
