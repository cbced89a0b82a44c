using System.Globalization;
using Npgsql;

namespace FactoryMonitoring.Data.Ingestion;

/// <summary>A sensor as described by its readings.</summary>
/// <param name="SequenceId">The sequence that the readings' reading_counts belong to; null if they name none.</param>
/// <param name="IsBackfill">The readings are backfilled.</param>
public sealed record SensorDescriptionRow(
    string SensorId, string SensorType, string Unit, string? FactorySection, string? MachineId, string? Zone, string? SequenceId = null, bool IsBackfill = false);

/// <summary>
/// The integer keys of logs, consumers and sensors. Each is created once, in a separate transaction. The newest keys are remembered: with them, and with
/// PostgreSQL's identifiers, <see cref="VerifyAsync"/> detects a database that was created anew or restored from a backup, and a promoted standby.
/// </summary>
public sealed class DictionaryStore(NpgsqlDataSource dataSource)
{
    private const string InsertLog = "INSERT INTO logs (log_id) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM logs WHERE log_id = $1) ON CONFLICT DO NOTHING";

    private const string SelectLog = "SELECT log_key::int FROM logs WHERE log_id = $1";

    private const string InsertConsumer =
        "INSERT INTO consumers (consumer_id) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM consumers WHERE consumer_id = $1) ON CONFLICT DO NOTHING";

    private const string SelectConsumer = "SELECT consumer_key FROM consumers WHERE consumer_id = $1";

    /// <summary>Sensors per statement.</summary>
    private const int SensorsAtOnce = 2_000;

    // One index lookup per sensor: for this many sensors the planner would read the whole table.
    private const string Wanted = """
        unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[])
            WITH ORDINALITY u(sensor_id, sensor_type, unit, factory_section, machine_id, zone, sequence_id, backfill, n)
        LEFT JOIN LATERAL (
            SELECT d.sensor_key, d.last_used FROM sensor_descriptions d
            WHERE d.sensor_id = u.sensor_id AND d.sequence_id IS NOT DISTINCT FROM u.sequence_id AND d.backfill = u.backfill
                AND sensor_digest(d.sensor_type, d.unit, d.factory_section, d.machine_id, d.zone)
                    = sensor_digest(u.sensor_type, u.unit, u.factory_section, u.machine_id, u.zone)
            LIMIT 1) d ON true
        """;

    private const string SelectSensors = $"SELECT u.n::int - 1, d.sensor_key, d.last_used < CURRENT_DATE FROM {Wanted} WHERE d.sensor_key IS NOT NULL";

    // Sorted, so that two consumers that insert the same new sensors wait for each other but never deadlock.
    private const string InsertSensors = $"""
        INSERT INTO sensor_descriptions (sensor_id, sensor_type, unit, factory_section, machine_id, zone, sequence_id, backfill)
        SELECT u.sensor_id, u.sensor_type, u.unit, u.factory_section, u.machine_id, u.zone, u.sequence_id, u.backfill
        FROM {Wanted}
        WHERE d.sensor_key IS NULL
        ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
        ON CONFLICT DO NOTHING
        """;

    // Once a day: retention deletes descriptions that are no longer used.
    private const string TouchSensors = """
        UPDATE sensor_descriptions SET last_used = CURRENT_DATE
        WHERE sensor_key IN (SELECT sensor_key FROM sensor_descriptions WHERE sensor_key = ANY ($1) ORDER BY sensor_key FOR UPDATE)
        RETURNING sensor_key
        """;

    private const string SelectKnown = """
        SELECT (SELECT id FROM database_identity), (SELECT log_id FROM logs WHERE log_key = $1),
            (SELECT consumer_id FROM consumers WHERE consumer_key = $2), (SELECT sensor_id FROM sensor_descriptions WHERE sensor_key = $3),
            (SELECT oid FROM pg_database WHERE datname = current_database()), 'partition_offsets'::regclass::oid,
            CASE WHEN pg_is_in_recovery() THEN NULL ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END
        """;

    private readonly Lock _gate = new();
    private Known _known = new();
    private int _generation;

    /// <summary>The generation of the keys: keys issued under another generation do not belong to the current database.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>The key of the log under which rows of lost offsets are kept. It is not remembered: retention deletes it before any of the logs that are read.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<short> AsideKeyAsync(string logId, CancellationToken cancellationToken) =>
        (short)await EnsureAsync(InsertLog, SelectLog, logId, cancellationToken);

    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<short> LogKeyAsync(string logId, CancellationToken cancellationToken)
    {
        var key = (short)await EnsureAsync(InsertLog, SelectLog, logId, cancellationToken);
        Remember(known => key >= known.Log.Key ? known with { Log = (key, logId) } : known);
        return key;
    }

    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<int> ConsumerKeyAsync(string consumerId, CancellationToken cancellationToken)
    {
        var key = await EnsureAsync(InsertConsumer, SelectConsumer, consumerId, cancellationToken);
        Remember(known => known with { Consumer = (key, consumerId) });
        return key;
    }

    /// <returns>One key per row, in the same order. Request the keys again on another day; otherwise retention may consider the rows unused.</returns>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<int[]> SensorKeysAsync(IReadOnlyList<SensorDescriptionRow> sensors, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var keys = new int[sensors.Count];
        for (var first = 0; first < keys.Length; first += SensorsAtOnce)
        {
            int[] wanted = [.. Enumerable.Range(first, Math.Min(SensorsAtOnce, keys.Length - first))];
            await FindAsync(wanted);
            int[] missing = [.. wanted.Where(n => keys[n] == 0)];
            if (missing.Length > 0)
            {
                await using var insert = Command(InsertSensors, connection, sensors, missing);
                await insert.ExecuteNonQueryAsync(cancellationToken);
                await FindAsync(missing);
            }
        }

        if (Array.IndexOf(keys, 0) is >= 0 and var lost)
        {
            throw new NpgsqlException($"The description of sensor {sensors[lost].SensorId} was deleted while its key was asked for");
        }

        var newest = Array.IndexOf(keys, keys.Max());
        Remember(known => keys[newest] > known.Sensor.Key ? known with { Sensor = (keys[newest], sensors[newest].SensorId) } : known);
        return keys;

        async Task FindAsync(int[] numbers)
        {
            var old = new Dictionary<int, int>();
            await using (var select = Command(SelectSensors, connection, sensors, numbers))
            await using (var reader = await select.ExecuteReaderAsync(cancellationToken))
            {
                while (await reader.ReadAsync(cancellationToken))
                {
                    var (n, key) = (numbers[reader.GetInt32(0)], reader.GetInt32(1));
                    if (reader.GetBoolean(2))
                    {
                        old[key] = n;
                    }
                    else
                    {
                        keys[n] = key;
                    }
                }
            }

            if (old.Count > 0)
            {
                // A row that retention has just deleted cannot be touched.
                await using var touch = new NpgsqlCommand(TouchSensors, connection) { Parameters = { new NpgsqlParameter<int[]> { TypedValue = [.. old.Keys] } } };
                await using var reader = await touch.ExecuteReaderAsync(cancellationToken);
                while (await reader.ReadAsync(cancellationToken))
                {
                    keys[old[reader.GetInt32(0)]] = reader.GetInt32(0);
                }
            }
        }
    }

    /// <summary>Checks that the session's database is the one that issued the keys; if it is not, <see cref="Generation"/> changes.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached, or a standby has replaced this one.</exception>
    public async Task VerifyAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        Known known;
        int generation;
        lock (_gate)
        {
            (known, generation) = (_known, _generation);
        }

        await using var command = new NpgsqlCommand(SelectKnown, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<short> { TypedValue = (short)known.Log.Key },
                new NpgsqlParameter<int> { TypedValue = known.Consumer.Key },
                new NpgsqlParameter<int> { TypedValue = known.Sensor.Key },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        if (await reader.IsDBNullAsync(0, cancellationToken))
        {
            throw new NpgsqlException("The database has no identity: it is being restored, or was restored in part");
        }

        if (await reader.IsDBNullAsync(6, cancellationToken))
        {
            throw new NpgsqlException("The database is a standby: it takes no readings until it is promoted");
        }

        var timeline = uint.Parse(reader.GetString(6), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var identity = new Identity(reader.GetGuid(0), reader.GetFieldValue<uint>(4), reader.GetFieldValue<uint>(5), timeline);
        if (known.Identity is { } before && timeline < before.Timeline && identity == before with { Timeline = timeline })
        {
            throw new NpgsqlException(
                $"The database is on timeline {timeline}, and was on {before.Timeline}: it is the primary that a standby has replaced. Stop it; or, if it is to be used again, restart the consumers");
        }

        var isSame = (known.Identity is null || known.Identity == identity)
            && Holds(reader, 1, known.Log) && Holds(reader, 2, known.Consumer) && Holds(reader, 3, known.Sensor);
        lock (_gate)
        {
            if (isSame)
            {
                _known = _known with { Identity = identity };
            }
            else if (generation == _generation)
            {
                (_known, _generation) = (new Known { Identity = identity }, _generation + 1);
            }
        }
    }

    private static bool Holds(NpgsqlDataReader reader, int column, (int Key, string? Id) known) =>
        known.Id is null || (!reader.IsDBNull(column) && reader.GetString(column) == known.Id);

    private void Remember(Func<Known, Known> change)
    {
        lock (_gate)
        {
            _known = change(_known);
        }
    }

    private async Task<int> EnsureAsync(string insert, string select, string id, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var insertCommand = new NpgsqlCommand(insert, connection) { Parameters = { new() { Value = id } } };
        await insertCommand.ExecuteNonQueryAsync(cancellationToken);
        await using var selectCommand = new NpgsqlCommand(select, connection) { Parameters = { new() { Value = id } } };
        return (int)(await selectCommand.ExecuteScalarAsync(cancellationToken))!;
    }

    private static NpgsqlCommand Command(string sql, NpgsqlConnection connection, IReadOnlyList<SensorDescriptionRow> sensors, int[] numbers) => new(sql, connection)
    {
        Parameters =
        {
            new NpgsqlParameter<string[]> { TypedValue = [.. numbers.Select(n => sensors[n].SensorId)] },
            new NpgsqlParameter<string[]> { TypedValue = [.. numbers.Select(n => sensors[n].SensorType)] },
            new NpgsqlParameter<string[]> { TypedValue = [.. numbers.Select(n => sensors[n].Unit)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. numbers.Select(n => sensors[n].FactorySection)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. numbers.Select(n => sensors[n].MachineId)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. numbers.Select(n => sensors[n].Zone)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. numbers.Select(n => sensors[n].SequenceId)] },
            new NpgsqlParameter<bool[]> { TypedValue = [.. numbers.Select(n => sensors[n].IsBackfill)] },
        },
    };

    /// <param name="Id">An id that this system generates; a backup contains it, too.</param>
    /// <param name="Database">PostgreSQL's OID of the database: different after it was dropped and created.</param>
    /// <param name="Table">PostgreSQL's OID of a table: different after only the tables were.</param>
    /// <param name="Timeline">Increases when a standby is promoted, which may lack the last commits, and when a copy of the files is restored.</param>
    private sealed record Identity(Guid Id, uint Database, uint Table, uint Timeline);

    private sealed record Known
    {
        public Identity? Identity { get; init; }

        public (int Key, string? Id) Log { get; init; }

        public (int Key, string? Id) Consumer { get; init; }

        public (int Key, string? Id) Sensor { get; init; }
    }
}
