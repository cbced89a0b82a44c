using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>What the three brokers run as.</summary>
internal enum KafkaBacking
{
    Containers,
    Processes,
    Embedded,

    /// <summary>External brokers, of any number.</summary>
    External,
}

/// <summary>The backing of the cluster, and the reason for it as text.</summary>
/// <param name="Image">The image of the brokers; null unless the backing is containers.</param>
/// <param name="Home">The Kafka distribution; null unless the backing is processes.</param>
internal sealed record KafkaChoice(KafkaBacking Backing, string Reason, ContainerImage? Image = null, KafkaDistribution? Home = null)
{
    /// <summary>Chooses by the preference and by what this machine has: containers, else processes, else the embedded broker.</summary>
    /// <param name="have">Gets the image; throws a <see cref="SetupException"/> that says why it is not available.</param>
    /// <param name="find">Finds a distribution; throws a <see cref="SetupException"/> that says what is missing.</param>
    /// <exception cref="SetupException">The requested backing is not available.</exception>
    public static KafkaChoice Make(KafkaPreference preference, Func<ContainerImage> have, Func<KafkaDistribution> find)
    {
        if (preference == KafkaPreference.External) return new(KafkaBacking.External, "as Factory:Kafka asks");
        var reasons = new List<string>();
        if (preference is KafkaPreference.Auto or KafkaPreference.Containers)
        {
            try
            {
                var image = have();
                return new(KafkaBacking.Containers, $"{Asked(preference)}{image}", Image: image);
            }
            catch (SetupException missing)
            {
                reasons.Add(Missing(KafkaPreference.Containers, missing));
            }
        }
        if (preference is KafkaPreference.Auto or KafkaPreference.Processes)
        {
            try
            {
                var home = find();
                return new(KafkaBacking.Processes, string.Join("; ", [$"{(preference == KafkaPreference.Auto ? "found " : Asked(preference))}{home}", .. reasons]), Home: home);
            }
            catch (SetupException missing)
            {
                reasons.Add(Missing(KafkaPreference.Processes, missing));
            }
        }
        return new(KafkaBacking.Embedded, preference == KafkaPreference.Embedded ? "as Factory:Kafka asks" : string.Join("; ", reasons));

        string Missing(KafkaPreference what, SetupException missing) => preference == KafkaPreference.Auto
            ? $"no {(what == KafkaPreference.Containers ? "containers" : "Apache Kafka")}: {missing.Message}"
            : throw new SetupException($"Factory:Kafka={preference.ToString().ToLowerInvariant()} cannot be had: {missing.Message}");
    }

    private static string Asked(KafkaPreference preference) => preference == KafkaPreference.Auto ? "" : "as Factory:Kafka asks, ";
}
