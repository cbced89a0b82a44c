using FactoryMonitoring.Data;
using FactoryMonitoring.ServiceDefaults.Running;
using FactoryMonitoring.ServiceDefaults.Settings;
using FactoryMonitoring.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Microsoft.Extensions.Hosting;

/// <summary>Runs a service and returns its exit code.</summary>
public static partial class RunServiceExtensions
{
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Builds the service and runs it. A setting that cannot be read while the service is built results in one line on stderr and exit code 1, as do the errors
    /// that <see cref="RunServiceAsync(WebApplication)"/> names.
    /// </summary>
    /// <param name="build">Builds the service.</param>
    /// <param name="passes">
    /// Returns whether the service is built and run again, 1 s later, after one of its workers failed with an exception; if this is null, it never is.
    /// </param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunServiceAsync(Func<WebApplication> build, Func<Exception, bool>? passes = null)
    {
        ArgumentNullException.ThrowIfNull(build);
        while (true)
        {
            WebApplication app;
            try
            {
                app = build();
            }
            catch (Exception exception) when (Describe(new ConfigurationManager(), exception) is { } line)
            {
                await Console.Error.WriteLineAsync(line);
                return 1;
            }

            if (EndpointList.IsAsked(Environment.GetCommandLineArgs()))
            {
                EndpointList.Print(app, Console.Out);
                return 0;
            }

            if (await app.RunAsync(passes) is { } exitCode) return exitCode;
            await Task.Delay(Pause);
        }
    }

    /// <summary>
    /// Runs until the service receives a stop signal, or stops itself for a reason that it has logged. An invalid setting results in one line on stderr
    /// and exit code 1; so does a port that is in use, or a database whose schema is newer than the service.
    /// </summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunServiceAsync(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        return await app.RunAsync(passes: null) ?? 1;
    }

    /// <returns>The exit code; null if the service is to be run again.</returns>
    private static async Task<int?> RunAsync(this WebApplication app, Func<Exception, bool>? passes)
    {
        var isValid = false;
        try
        {
            // Before the host does it: the host creates the workers first, which already read their settings.
            app.Services.GetService<IStartupValidator>()?.Validate();
            isValid = true;
            var workers = app.Services.GetServices<IHostedService>().OfType<BackgroundService>().ToArray();
            await app.StartAsync();
            var refused = app.Services.GetService<SchemaGate>()?.Refused;
            var stopped = app.WaitForShutdownAsync();
            await Task.WhenAny(refused is null ? [stopped] : [stopped, refused]);
            if (refused is { IsCompleted: true })
            {
                await Console.Error.WriteLineAsync((await refused).Message);
                await app.StopAsync();
                return 1;
            }

            var failed = workers.Where(worker => worker.ExecuteTask is { IsFaulted: true }).Select(worker => (worker.GetType().Name, Failure: worker.ExecuteTask!.Exception!.InnerException!)).ToList();
            if (failed.Count == 0) return Environment.ExitCode;
            var isAnew = passes is not null && failed.TrueForAll(worker => passes(worker.Failure));
            foreach (var (worker, failure) in failed)
            {
                if (isAnew) Log.Anew(app.Logger, worker, failure.Message);
                else Log.WorkerFailed(app.Logger, worker, failure);
            }

            return isAnew ? null : 1;
        }
        catch (Exception exception) when (Describe(app.Configuration, exception) is { } line)
        {
            await Console.Error.WriteLineAsync(line);
            return 1;
        }
        finally
        {
            // With an invalid setting, telemetry cannot be created.
            if (isValid) await TelemetryEnd.SendRestAsync(app.Services);
            // All work has ended or was abandoned by now. A connection to a database that does not answer can block disposal, so the wait is limited.
            await Task.WhenAny(Task.Run(() => app.DisposeAsync().AsTask()), Task.Delay(DisposeLimit));
        }
    }

    /// <summary>Starts the host, runs <paramref name="work"/> once and stops. An invalid setting results in one line on stderr and exit code 1.</summary>
    /// <param name="host">The built host; the caller disposes of it.</param>
    /// <param name="work">Receives the services, and a token that is cancelled when the process is stopping; returns the exit code.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunOnceAsync(this IHost host, Func<IServiceProvider, CancellationToken, Task<int>> work)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(work);
        var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var isStarted = false;
        try
        {
            await host.StartAsync(stopping);
            isStarted = true;
            var exitCode = await work(host.Services, stopping);
            await host.StopAsync(CancellationToken.None);
            return exitCode;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return 1;
        }
        catch (Exception exception) when (Describe(host.Services.GetRequiredService<IConfiguration>(), exception) is { } line)
        {
            await Console.Error.WriteLineAsync(line);
            return 1;
        }
        finally
        {
            if (isStarted) await TelemetryEnd.SendRestAsync(host.Services);
        }
    }

    private static string? Describe(IConfiguration configuration, Exception exception) => exception switch
    {
        OptionsValidationException wrong => WrongSetting.Describe(configuration, wrong),
        AggregateException several => string.Join("; ", several.Flatten().InnerExceptions.Select(inner => Describe(configuration, inner) ?? inner.Message)),
        FormatException => exception.Message,
        NpgsqlException { InnerException: NewerSchemaException newer } => newer.Message,
        // The binder names key, value and type.
        InvalidOperationException when exception.Message.StartsWith("Failed to convert configuration value", StringComparison.Ordinal) => exception.Message,
        InvalidOperationException when exception.Message.StartsWith("ConnectionString is missing", StringComparison.Ordinal) => exception.Message,
        InvalidOperationException when exception.Message.Contains("No bootstrap servers", StringComparison.Ordinal) => exception.Message,
        IOException when exception.InnerException is AddressInUseException =>
            $"{exception.Message} Another process listens there: stop it, or set ASPNETCORE_URLS (now {configuration["urls"]}) to a free port.",
        _ => null,
    };

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Critical, "{Worker} failed, and the service with it")]
        public static partial void WorkerFailed(ILogger logger, string worker, Exception exception);

        [LoggerMessage(LogLevel.Warning, "{Worker} failed, restarting the service: {Reason}")]
        public static partial void Anew(ILogger logger, string worker, string reason);
    }
}
