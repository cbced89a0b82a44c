namespace FactoryMonitoring.Contracts;

/// <summary>A topic and its number of partitions.</summary>
public sealed record TopicShape(string Name, int Partitions);

/// <summary>The topics and the consumer group, as the settings name them.</summary>
public sealed record KafkaNames(string SensorTopic, string AlertTopic, string ConsumerGroup)
{
    /// <summary>Partitions of the sensor topic where nothing else is set.</summary>
    public const int SensorPartitions = 6;

    public const int AlertPartitions = 2;
    public const int DeadLetterPartitions = 1;

    /// <summary>What a dead-letter topic's name adds to that of the topic its messages come from.</summary>
    public const string DeadLetterSuffix = ".dlq";

    public static readonly KafkaNames Default = new("sensor-data", "alerts", "sensor-processors");

    /// <summary>Takes what is not a reading.</summary>
    public string DeadLetterTopic => SensorTopic + DeadLetterSuffix;

    /// <summary>The names by SENSOR_TOPIC, ALERT_TOPIC and CONSUMER_GROUP; what is not set or empty has its default.</summary>
    /// <param name="setting">The value of a setting by its name; null where it is not set.</param>
    public static KafkaNames Of(Func<string, string?> setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        return new(
            Set(EnvironmentNames.SensorTopic, Default.SensorTopic),
            Set(EnvironmentNames.AlertTopic, Default.AlertTopic),
            Set(EnvironmentNames.ConsumerGroup, Default.ConsumerGroup));

        string Set(string name, string absent) => setting(name) is { Length: > 0 } value ? value : absent;
    }

    /// <summary>All topics that must exist.</summary>
    /// <param name="sensorPartitions">Partitions of the sensor topic.</param>
    public IReadOnlyList<TopicShape> Topics(int sensorPartitions = SensorPartitions) =>
        [new(SensorTopic, sensorPartitions), new(AlertTopic, AlertPartitions), new(DeadLetterTopic, DeadLetterPartitions)];
}
