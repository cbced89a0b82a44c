using System.Runtime.CompilerServices;
using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Encodes the readings of a transaction for the database, with the keys of their sensors.</summary>
internal sealed class RowEncoder(IngestStore store, DictionaryStore dictionaries, ReadingRows rows)
{
    private readonly Dictionary<OwnedPartition, long> _newest = [];

    /// <summary>The validity of sensor keys: one day of one database.</summary>
    public long KeyValidity => ((long)dictionaries.Generation << 32) + DateOnly.FromDateTime(store.UtcNow).DayNumber;

    /// <summary>Replaces the contents of the rows. Requests unknown keys from the database.</summary>
    /// <param name="batch">Null if the transaction stores no readings.</param>
    public async Task EncodeAsync(ReadingBatch? batch, IngestWrite write, CancellationToken cancellationToken)
    {
        rows.Clear();
        if (batch is null)
        {
            return;
        }

        await EnsureKeysAsync(batch, write, cancellationToken);
        AddRows(batch, write);
    }

    // Called once per batch, and loops thousands of times: never often enough to be compiled a second time, so it is optimized at once.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddRows(ReadingBatch batch, IngestWrite write)
    {
        var (consumer, log) = (store.ConsumerKey, write.Log.LogKey);
        var scope = new WriteScope(write);
        OwnedPartition? partition = null;
        var newest = -1L;
        _newest.Clear();
        foreach (ref var reading in batch.Readings)
        {
            if (reading.Partition != partition)
            {
                if (partition is not null)
                {
                    _newest[partition] = newest;
                }

                partition = reading.Partition;
                newest = _newest.GetValueOrDefault(partition, -1);
            }

            if (!scope.Stores(ref reading))
            {
                continue;
            }

            if (reading.Offset <= newest && (reading.Index == 0 || reading.Offset < newest))
            {
                throw new InvalidOperationException($"Partition {partition.Number}: offset {reading.Offset} would be stored a second time after {newest}");
            }

            newest = reading.Offset;
            rows.Add(
                reading.Timestamp,
                reading.Offset,
                reading.Value,
                reading.Sensor.Key,
                consumer,
                partition.Number,
                reading.Quality,
                log,
                reading.Level,
                reading.HasCount ? reading.ReadingCount : null);
        }
    }

    private async Task EnsureKeysAsync(ReadingBatch batch, IngestWrite write, CancellationToken cancellationToken)
    {
        var validity = KeyValidity;
        if (UnknownOf(batch, write, validity) is not { } unknown)
        {
            return;
        }

        var sensors = unknown.ToArray();
        var keys = await dictionaries.SensorKeysAsync([.. sensors.Select(sensor => sensor.ToRow())], cancellationToken);
        for (var i = 0; i < keys.Length; i++)
        {
            sensors[i].SetKey(keys[i], validity);
        }

        AddKeys(write.Backfilled, sensors);
        // Newest values were collected before their sensors had keys.
        if (write.Latest.Exists(row => row.SensorKey == 0))
        {
            var byId = sensors.Where(sensor => !sensor.Identity.IsBackfill).ToLookup(sensor => sensor.Identity.Name, sensor => sensor.Key);
            for (var i = 0; i < write.Latest.Count; i++)
            {
                if (write.Latest[i].SensorKey == 0)
                {
                    write.Latest[i] = write.Latest[i] with { SensorKey = byId[write.Latest[i].SensorId].FirstOrDefault() };
                }
            }
        }
    }

    private static void AddKeys(List<BackfilledRow> rows, SensorDescription[] sensors)
    {
        if (!rows.Exists(row => row.SensorKey == 0))
        {
            return;
        }

        var byId = sensors.Where(sensor => sensor.Identity.IsBackfill).ToLookup(sensor => sensor.Identity.Name, sensor => sensor.Key);
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i].SensorKey == 0)
            {
                rows[i] = rows[i] with { SensorKey = byId[rows[i].SensorId].FirstOrDefault() };
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static HashSet<SensorDescription>? UnknownOf(ReadingBatch batch, IngestWrite write, long validity)
    {
        HashSet<SensorDescription>? unknown = null;
        var scope = new WriteScope(write);
        foreach (ref var reading in batch.Readings)
        {
            if (reading.Sensor.KeyIn(validity) == 0 && scope.Stores(ref reading))
            {
                (unknown ??= []).Add(reading.Sensor);
            }
        }

        return unknown;
    }
}
