using FactoryMonitoring.Contracts.Api;
using Npgsql;

namespace FactoryMonitoring.Data.Monitoring;

/// <summary>The history of a component that is not in the snapshot.</summary>
public sealed record ComponentHistory(
    IReadOnlyList<StatusChangeBody> StatusChanges,
    IReadOnlyList<ComponentRatePoint> Rates,
    IReadOnlyList<RebalancingEventBody> Rebalances,
    IReadOnlyList<AlertBody> Alerts,
    IReadOnlyList<DeadLetterBody> DeadLetters);

/// <summary>Reads the history of one consumer, producer or broker.</summary>
public sealed class ComponentQueries(NpgsqlDataSource dataSource)
{
    private const string StatusChanges =
        "SELECT at, status, reason FROM status_changes WHERE component_kind = $1 AND component_id = $2 ORDER BY at DESC, id DESC LIMIT 100";

    // The last 10 minutes, in steps of 5 s; steps without samples are omitted. The current step is not complete yet.
    private const string ConsumerRates = """
        SELECT date_bin('5 s', at, 'epoch') AS step, sum(stored) / 5.0::double precision FROM consumer_samples
        WHERE at >= date_bin('5 s', CURRENT_TIMESTAMP, 'epoch') - interval '10 min' AND at < date_bin('5 s', CURRENT_TIMESTAMP - interval '1 s', 'epoch')
          AND consumer_id = $1
        GROUP BY step ORDER BY step
        """;

    private const string ProducerRates = """
        SELECT date_bin('5 s', at, 'epoch') AS step, sum(acknowledged) / 5.0::double precision FROM producer_samples
        WHERE at >= date_bin('5 s', CURRENT_TIMESTAMP, 'epoch') - interval '10 min' AND at < date_bin('5 s', CURRENT_TIMESTAMP - interval '1 s', 'epoch')
          AND producer_id = $1
        GROUP BY step ORDER BY step
        """;

    private const string Rebalances = """
        SELECT event_type, consumer_id, partition_number, "timestamp", id, generation, reason, stall_ms FROM rebalancing_events
        WHERE consumer_id = $1 AND "timestamp" > CURRENT_TIMESTAMP - interval '24 h'
        ORDER BY "timestamp" DESC, id DESC
        LIMIT 100
        """;

    private const string AlertsAbout = $"""{AlertQueries.Columns} FROM alerts WHERE sensor_id = $1 ORDER BY "timestamp" DESC LIMIT 50""";

    private const string AlertsOfConsumer = $"""
        {AlertQueries.Columns} FROM alerts
        WHERE (sensor_id = $1 OR detected_by = $1) AND "timestamp" > CURRENT_TIMESTAMP - interval '24 h' AND NOT backfill
        ORDER BY "timestamp" DESC
        LIMIT 50
        """;

    private const string AlertsOfType = $"""
        {AlertQueries.Columns} FROM alerts
        WHERE (sensor_id = $1 OR sensor_type = $2) AND "timestamp" > CURRENT_TIMESTAMP - interval '24 h' AND NOT backfill
        ORDER BY "timestamp" DESC
        LIMIT 50
        """;

    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<ComponentHistory> OfConsumerAsync(string consumerId, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Command(StatusChanges, "consumer", consumerId), Command(ConsumerRates, consumerId), Command(Rebalances, consumerId),
                Command(AlertsOfConsumer, consumerId), Command(DeadLetterQueries.OfConsumer, consumerId),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return new(
            await reader.RowsAsync(StatusChange, cancellationToken),
            await reader.RowsAsync(Rate, cancellationToken),
            await reader.RowsAsync(MonitoringQueries.Event, cancellationToken),
            await reader.RowsAsync(AlertQueries.Alert, cancellationToken),
            await reader.RowsAsync(DeadLetterQueries.DeadLetter, cancellationToken));
    }

    /// <summary>Reads a producer's history; its alerts are those about itself and those of its sensor type.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<ComponentHistory> OfProducerAsync(string producerId, string sensorType, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Command(StatusChanges, "producer", producerId), Command(ProducerRates, producerId), Command(AlertsOfType, producerId, sensorType),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return new(
            await reader.RowsAsync(StatusChange, cancellationToken),
            await reader.RowsAsync(Rate, cancellationToken),
            [],
            await reader.RowsAsync(AlertQueries.Alert, cancellationToken),
            []);
    }

    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<ComponentHistory> OfBrokerAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Command(StatusChanges, "broker", name), Command(AlertsAbout, name) } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return new(
            await reader.RowsAsync(StatusChange, cancellationToken), [], [], await reader.RowsAsync(AlertQueries.Alert, cancellationToken), []);
    }

    private static NpgsqlBatchCommand Command(string sql, params string[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        Array.ForEach(parameters, parameter => command.Parameters.Add(Parameters.Text(parameter)));
        return command;
    }

    private static StatusChangeBody StatusChange(NpgsqlDataReader row) => new(row.Timestamp(0), row.GetString(1), row.Text(2));

    private static ComponentRatePoint Rate(NpgsqlDataReader row) => new(row.Timestamp(0), row.GetDouble(1));
}
