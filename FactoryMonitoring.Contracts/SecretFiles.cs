namespace FactoryMonitoring.Contracts;

/// <summary>
/// Secrets that come from files, as container engines and Kubernetes mount them: beside each setting of <see cref="Settings"/> another one may name the
/// file that has its value. <c>Kafka:Security</c> and <c>SignIn</c> have the same for theirs.
/// </summary>
public static class SecretFiles
{
    /// <summary>Each setting that holds a secret, and the one that names its file.</summary>
    public static IReadOnlyList<(string Key, string FileKey)> Settings { get; } =
    [
        .. new[]
        {
            $"ConnectionStrings:{ResourceNames.Database}", EnvironmentNames.DatabaseUrl, EnvironmentNames.DatabasePassword,
            EnvironmentNames.DatabaseIngestPassword, EnvironmentNames.DatabaseSensorPassword, EnvironmentNames.DatabaseMonitorPassword, EnvironmentNames.DatabaseAuditPassword,
            "OTEL_EXPORTER_OTLP_HEADERS",
        }.Select(key => (key, FileOf(key))),
        ("Consumers:Messages:SchemaRegistry:Password", "Consumers:Messages:SchemaRegistry:PasswordFile"),
    ];

    /// <summary>The setting that names the file of this one.</summary>
    public static string FileOf(string key) => $"{key}_FILE";

    /// <summary>Reads the files that are named, without the end of their line.</summary>
    /// <param name="get">A setting's value; null or empty where it is not set.</param>
    /// <param name="set">Sets the value that a file has.</param>
    /// <returns>A line for each setting that is wrong: its key, its value and what is allowed. A secret is in none of them.</returns>
    public static IReadOnlyList<string> Read(Func<string, string?> get, Action<string, string> set)
    {
        ArgumentNullException.ThrowIfNull(get);
        ArgumentNullException.ThrowIfNull(set);
        var problems = new List<string>();
        foreach (var (key, fileKey) in Settings)
        {
            if (get(fileKey) is not { Length: > 0 } file)
            {
                continue;
            }

            try
            {
                if (get(key) is { Length: > 0 })
                {
                    problems.Add($"{key} and {fileKey} = {file} are both set; set one of them");
                }
                else if (KafkaSecurity.ReadSecret(file) is { Length: > 0 } secret)
                {
                    set(key, secret);
                }
                else
                {
                    problems.Add($"{fileKey} = {file} is empty; must be a file with the value of {key}");
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                problems.Add($"{fileKey} = {file} cannot be read ({exception.Message}); must be a file with the value of {key} that this process may read");
            }
        }

        return problems;
    }
}
