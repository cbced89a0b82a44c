namespace FactoryMonitoring.ServiceDefaults.Kafka;

/// <summary>A right that the brokers' ACLs must grant.</summary>
/// <param name="Operation">The operation, as Kafka's tools name it: Read, Write, …</param>
/// <param name="Resource">topic or group.</param>
/// <param name="Name">The name of the topic or group.</param>
public sealed record KafkaRight(string Operation, string Resource, string Name)
{
    public static KafkaRight OnTopic(string operation, string topic) => new(operation, "topic", topic);

    /// <summary>Returns the right on all groups with this prefix: consumers have two more groups beside their own.</summary>
    public static KafkaRight OnGroup(string operation, string group) => new(operation, "group", group);

    private string Pattern => Resource == "group" ? " --resource-pattern-type prefixed" : "";

    /// <summary>Describes that the right is missing, and which command grants it.</summary>
    /// <param name="principal">The principal that lacks the right: User:name.</param>
    public string Missing(string principal, string bootstrapServers) =>
        $"{principal} lacks the right {Operation} on {Resource} {Name}; grant it: kafka-acls.sh --bootstrap-server {bootstrapServers} --command-config ADMIN.properties "
        + $"--add --allow-principal {(principal.Contains(' ', StringComparison.Ordinal) ? $"'{principal}'" : principal)} --operation {Operation} --{Resource} {Name}{Pattern}";
}
