using System.ComponentModel.DataAnnotations;
using FactoryMonitoring.Contracts;
using Microsoft.Extensions.Options;

namespace FactoryMonitoring.EmbeddedKafka.Cluster;

/// <summary>The parts of the embedded cluster; section <c>EmbeddedKafka</c>.</summary>
internal sealed class EmbeddedKafkaOptions
{
    public const string Section = "EmbeddedKafka";

    /// <summary>The fixed ports of the brokers on loopback, broker 1 first; there are as many brokers as ports.</summary>
    [Required, MinLength(1), MaxLength(9)]
    public int[] Ports { get; set; } = [];

    /// <summary>Groups whose coordinator moves when its broker goes down. Other groups keep their coordinator.</summary>
    [Required]
    public string[] Groups { get; set; } = [];

    /// <summary>The bearer token required to take a broker down or bring it up. Without a token nobody may.</summary>
    public string? ControlToken { get; set; }

    [Required, MinLength(1), ValidateEnumeratedItems]
    public TopicOptions[] Topics { get; set; } = [];

    /// <summary>Applies the topics and groups of the factory if none are set.</summary>
    public static void Complete(EmbeddedKafkaOptions options)
    {
        if (options.Topics.Length == 0) options.Topics = [.. KafkaNames.Default.Topics().Select(topic => new TopicOptions { Name = topic.Name, Partitions = topic.Partitions })];
        if (options.Groups.Length == 0) options.Groups = [KafkaNames.Default.ConsumerGroup];
    }

    /// <summary>How long a broker that came back waits before it gets its partitions: clients must discover it first.</summary>
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
