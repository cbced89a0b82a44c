-- The newest readings of a sensor, in whatever partitions they came, from until_time backwards: newest first, `most` at the most. Readings lie in the order
-- of their storing and have no index by sensor, so this looks through windows of time, each four times as long as the one before, until it has found
-- enough or has looked through as many rows as it may: 400,000, and 2,000,000 where something was backfilled since, behind which live readings lie.
CREATE FUNCTION newest_readings(of_sensor text, of_backfill boolean, until_time timestamptz, most integer) RETURNS SETOF readings
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
    keys integer[] := ARRAY(SELECT sensor_key FROM sensor_descriptions WHERE sensor_id = of_sensor AND backfill = of_backfill);
    first_time timestamptz := (SELECT min(processing_timestamp) FROM reading_batches);
    window_end timestamptz := until_time;
    window_start timestamptz;
    span interval := '100 ms';
    room bigint;
    looked bigint := 0;
    inside bigint;
    found integer;
BEGIN
    WHILE most > 0 AND window_end >= first_time LOOP
        window_start := window_end - span;
        room := CASE WHEN EXISTS (SELECT FROM backfilled_sensors WHERE stored_at > window_start) THEN 2000000 ELSE 400000 END - looked;
        EXIT WHEN room <= 0;
        room := LEAST(room, 400000);
        SELECT COALESCE(sum(stored), 0) INTO inside FROM reading_batches WHERE processing_timestamp > window_start AND processing_timestamp <= window_end;
        IF inside > room THEN
            -- As much of the window as there is room for, and the rest of it next.
            SELECT min(processing_timestamp) - interval '1 us', max(rows) INTO window_start, inside FROM (
                SELECT processing_timestamp, stored, sum(stored) OVER (ORDER BY processing_timestamp DESC) AS rows FROM reading_batches
                WHERE processing_timestamp > window_start AND processing_timestamp <= window_end
            ) batches WHERE rows - stored < room;
        ELSE
            span := span * 4;
        END IF;
        IF inside > 0 THEN
            RETURN QUERY SELECT * FROM readings r WHERE r.processing_timestamp > window_start AND r.processing_timestamp <= window_end AND r.sensor_key = ANY (keys)
                ORDER BY r.processing_timestamp DESC, r.kafka_offset DESC LIMIT most;
            GET DIAGNOSTICS found = ROW_COUNT;
            most := most - found;
        END IF;
        looked := looked + inside;
        window_end := window_start;
    END LOOP;
END $$;
