using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace FactoryMonitoring.Consumers.Detection;

/// <summary>
/// Applies changed settings of <see cref="DetectionOptions"/> while the consumer runs. Invalid settings are logged, and the rules stay unchanged.
/// </summary>
internal sealed partial class RulesReload(
    IConfiguration configuration,
    DetectionRules rules,
    IEnumerable<IPostConfigureOptions<DetectionOptions>> variables,
    IEnumerable<IValidateOptions<DetectionOptions>> validators,
    ILogger<RulesReload> logger) : IHostedService, IDisposable
{
    private IDisposable? _watch;
    private string _seen = "";

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _seen = Settings();
        // A file that cannot be read silently loses its settings.
        foreach (var file in (configuration as IConfigurationRoot)?.Providers.OfType<FileConfigurationProvider>() ?? [])
        {
            file.Source.OnLoadException = context => Log.Unread(logger, context.Provider.Source.Path ?? "a file of settings", (context.Exception.InnerException ?? context.Exception).Message);
        }

        _watch = ChangeToken.OnChange(configuration.GetReloadToken, Reload);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _watch?.Dispose();

    // A file's watcher may report one change several times, and also reports changes to other settings.
    private void Reload()
    {
        var settings = Settings();
        if (settings == _seen)
        {
            return;
        }

        _seen = settings;
        try
        {
            rules.Replace(Read());
            Log.Reloaded(logger);
        }
        catch (Exception exception) when (exception is OptionsValidationException or InvalidOperationException)
        {
            Log.Refused(logger, exception.Message);
        }
    }

    private string Settings() => string.Join('\n', configuration.GetSection(DetectionOptions.Section).AsEnumerable().Select(pair => $"{pair.Key}={pair.Value}"));

    private DetectionOptions Read()
    {
        var options = configuration.GetSection(DetectionOptions.Section).Get<DetectionOptions>() ?? new DetectionOptions();
        foreach (var each in variables)
        {
            each.PostConfigure(Options.DefaultName, options);
        }

        foreach (var each in validators)
        {
            if (each.Validate(Options.DefaultName, options) is { Failed: true } result)
            {
                throw new OptionsValidationException(Options.DefaultName, typeof(DetectionOptions), result.Failures);
            }
        }

        return options;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "The settings have changed, reloaded the detector's rules")]
        public static partial void Reloaded(ILogger logger);

        [LoggerMessage(LogLevel.Warning, "The settings have changed and are not valid, keeping the detector's rules: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Warning, "Cannot read {File}, keeping the detector's rules: {Reason}")]
        public static partial void Unread(ILogger logger, string file, string reason);
    }
}
