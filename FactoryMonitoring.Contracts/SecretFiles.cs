namespace FactoryMonitoring.Contracts;

/// <summary>
/// Secrets in files, as container engines and Kubernetes mount them: for each setting of <see cref="Settings"/>, another one can name the file that
/// contains its value. <c>Kafka:Security</c> and <c>SignIn</c> have the same for their secrets.
/// </summary>
public static class SecretFiles
{
    /// <summary>Each setting that holds a secret, and the setting that names its file.</summary>
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

    /// <summary>Returns the setting that names the file of this one.</summary>
    public static string FileOf(string key) => $"{key}_FILE";

    /// <summary>Reads the named files, without the line end.</summary>
    /// <param name="get">Returns a setting's value; null or empty if it is not set.</param>
    /// <param name="set">Sets a setting to the value from its file.</param>
    /// <returns>One line for each wrong setting: its key, its value and what is allowed. No line contains a secret.</returns>
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
