namespace FactoryMonitoring.Contracts;

/// <summary>A topic and its number of partitions.</summary>
public sealed record TopicShape(string Name, int Partitions);

/// <summary>The topics and the consumer group, as configured.</summary>
public sealed record KafkaNames(string SensorTopic, string AlertTopic, string ConsumerGroup)
{
    /// <summary>Default number of partitions of the sensor topic.</summary>
    public const int SensorPartitions = 6;

    public const int AlertPartitions = 2;
    public const int DeadLetterPartitions = 1;

    /// <summary>Suffix that makes a topic's name the name of its dead-letter topic.</summary>
    public const string DeadLetterSuffix = ".dlq";

    public static readonly KafkaNames Default = new("sensor-data", "alerts", "sensor-processors");

    /// <summary>Receives the messages that are not readings.</summary>
    public string DeadLetterTopic => SensorTopic + DeadLetterSuffix;

    /// <summary>Returns the names from SENSOR_TOPIC, ALERT_TOPIC and CONSUMER_GROUP, or the default of each that is unset or empty.</summary>
    /// <param name="setting">Returns a setting's value by its name; null if it is not set.</param>
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
