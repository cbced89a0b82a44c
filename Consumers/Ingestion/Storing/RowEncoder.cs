using FactoryMonitoring.Data.Ingestion;

namespace FactoryMonitoring.Consumers.Ingestion.Storing;

/// <summary>Puts the readings of a transaction into the form in which the database takes them, under the keys of their sensors.</summary>
internal sealed class RowEncoder(IngestStore store, DictionaryStore dictionaries, ReadingRows rows)
{
    /// <summary>In which keys of sensors hold: for a day of a database.</summary>
    public long KeyValidity => ((long)dictionaries.Generation << 32) + DateOnly.FromDateTime(store.UtcNow).DayNumber;

    /// <summary>Replaces what the rows hold. Asks the database for keys that are not known.</summary>
    /// <param name="batch">Null where the transaction stores no readings.</param>
    public async Task EncodeAsync(ReadingBatch? batch, IngestWrite write, CancellationToken cancellationToken)
    {
        rows.Clear();
        if (batch is null)
        {
            return;
        }

        await EnsureKeysAsync(batch, write, cancellationToken);
        foreach (ref var reading in batch.Readings)
        {
            if (!write.Stores(ref reading))
            {
                continue;
            }

            rows.Add(
                reading.Timestamp,
                reading.Offset,
                reading.Value,
                reading.Sensor.Key,
                store.ConsumerKey,
                reading.Partition.Number,
                reading.Quality,
                write.Log.LogKey,
                reading.Level,
                reading.HasCount ? reading.ReadingCount : null);
        }
    }

    private async Task EnsureKeysAsync(ReadingBatch batch, IngestWrite write, CancellationToken cancellationToken)
    {
        var validity = KeyValidity;
        HashSet<SensorDescription>? unknown = null;
        foreach (ref var reading in batch.Readings)
        {
            if (reading.Sensor.KeyIn(validity) == 0 && write.Stores(ref reading))
            {
                (unknown ??= []).Add(reading.Sensor);
            }
        }

        if (unknown is null)
        {
            return;
        }

        var sensors = unknown.ToArray();
        var keys = await dictionaries.SensorKeysAsync([.. sensors.Select(sensor => sensor.ToRow())], cancellationToken);
        for (var i = 0; i < keys.Length; i++)
        {
            sensors[i].SetKey(keys[i], validity);
        }

        // Newest values were put together before their sensors had keys.
        if (write.Latest.Exists(row => row.SensorKey == 0))
        {
            var byId = sensors.ToLookup(sensor => sensor.Identity.Name, sensor => sensor.Key);
            for (var i = 0; i < write.Latest.Count; i++)
            {
                if (write.Latest[i].SensorKey == 0)
                {
                    write.Latest[i] = write.Latest[i] with { SensorKey = byId[write.Latest[i].SensorId].FirstOrDefault() };
                }
            }
        }
    }
}
