using FactoryMonitoring.Data;
using FactoryMonitoring.Data.Ingestion;
using FactoryMonitoring.Provisioner.Checks;
using FactoryMonitoring.Provisioner.Topics;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FactoryMonitoring.Provisioner;

/// <summary>Provisions the topics, then the schema, then the partitions of the days around today; each step can be repeated at any time.</summary>
internal sealed partial class ProvisioningRun(
    TopicProvisioner topics,
    Patience patience,
    NpgsqlDataSource database,
    DatabaseCheck databaseCheck,
    MigrationRunner migrations,
    ReadingPartitions partitions,
    RetentionStore retention,
    IOptions<ProvisionerOptions> options,
    ILogger<ProvisioningRun> logger)
{
    private const int DaysAhead = 3;

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await topics.EnsureAsync(cancellationToken);
            await patience.PersistAsync("reach the database", ReachDatabaseAsync, cancellationToken);
            await patience.PersistAsync("bring the schema up to date", ProvideSchemaAsync, cancellationToken);
            return 0;
        }
        catch (Exception exception) when (exception is ProvisioningException or PostgresException)
        {
            Log.Failed(logger, exception is PostgresException ? DatabaseCheck.Describe(exception, new NpgsqlConnectionStringBuilder(database.ConnectionString)) : exception.Message);
            return 1;
        }
    }

    private async Task<string?> ReachDatabaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is NpgsqlException { InnerException: not NewerSchemaException } and not PostgresException { SqlState: PostgresErrorCodes.InvalidPassword } or TimeoutException)
        {
            return DatabaseCheck.Describe(exception, new NpgsqlConnectionStringBuilder(database.ConnectionString));
        }
    }

    private async Task<string?> ProvideSchemaAsync(CancellationToken cancellationToken)
    {
        try
        {
            var applied = await migrations.ApplyAsync(cancellationToken, options.Value.RolePasswords);
            Log.Schema(logger, applied.Count);
            if (options.Value.Retention is { } keep)
            {
                await retention.KeepAsync(keep, cancellationToken);
            }

            var (first, last) = await partitions.EnsureAroundTodayAsync(DaysAhead, cancellationToken);
            Log.Days(logger, first, last);
            return null;
        }
        catch (RolesRefusedException exception)
        {
            throw new ProvisioningException(exception.Message);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            // The check finds out which right is missing and how to grant it.
            var findings = await databaseCheck.ExamineAsync(new HashSet<string> { CheckCommand.Provisioner }, cancellationToken);
            throw new ProvisioningException(findings.FirstOrDefault(finding => !finding.Well)?.Text ?? exception.Message);
        }
        catch (Exception exception) when (exception is NpgsqlException { IsTransient: true } or TimeoutException)
        {
            return exception.Message;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Schema is up to date; migrations applied now: {Count}")]
        public static partial void Schema(ILogger logger, int count);

        [LoggerMessage(LogLevel.Information, "Days of readings exist from {First:yyyy-MM-dd} to {Last:yyyy-MM-dd}")]
        public static partial void Days(ILogger logger, DateOnly first, DateOnly last);

        [LoggerMessage(LogLevel.Error, "Not provisioned: {Reason}")]
        public static partial void Failed(ILogger logger, string reason);
    }
}
