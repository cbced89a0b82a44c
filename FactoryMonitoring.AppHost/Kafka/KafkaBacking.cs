using FactoryMonitoring.AppHost.Setup;

namespace FactoryMonitoring.AppHost.Kafka;

/// <summary>What the three brokers are.</summary>
internal enum KafkaBacking
{
    Containers,
    Processes,
    Embedded,

    /// <summary>Somebody else's: three or not.</summary>
    External,
}

/// <summary>The backing of the cluster and the reason for it, in words.</summary>
/// <param name="Image">The image of the brokers; null unless the backing is containers.</param>
/// <param name="Home">The Kafka distribution; null unless the backing is processes.</param>
internal sealed record KafkaChoice(KafkaBacking Backing, string Reason, ContainerImage? Image = null, KafkaDistribution? Home = null)
{
    /// <summary>Chooses by what was asked for and what this machine has: containers, else processes, else the embedded broker.</summary>
    /// <param name="have">Gets the image; throws <see cref="SetupException"/> that says why it cannot be had.</param>
    /// <param name="find">Looks for a distribution; throws <see cref="SetupException"/> that says what is missing.</param>
    /// <exception cref="SetupException">What was asked for cannot be had.</exception>
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
