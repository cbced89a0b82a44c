-- Readings that are backfilled: of the past, at their own times, beside the live ones of the same sensor.

ALTER TABLE sensor_descriptions ADD COLUMN backfill boolean NOT NULL DEFAULT false;  -- of readings that say so (metadata.backfill)
DROP INDEX sensor_descriptions_digest;
CREATE UNIQUE INDEX sensor_descriptions_digest
    ON sensor_descriptions (sensor_id, sensor_digest(sensor_type, unit, factory_section, machine_id, zone), sequence_id, backfill) NULLS NOT DISTINCT;

CREATE OR REPLACE VIEW sensor_readings AS
SELECT d.sensor_id, d.sensor_type, r."timestamp", r.value, d.unit,
       (ARRAY['normal', 'warning', 'critical'])[r.alert_level + 1] AS alert_level,
       r.quality, d.factory_section, d.machine_id, d.zone, r.reading_count,
       c.consumer_id AS processed_by_consumer,
       r.kafka_partition, r.kafka_offset, r.processing_timestamp, l.log_id, d.sequence_id, d.backfill
FROM readings r
JOIN sensor_descriptions d USING (sensor_key)
JOIN consumers c USING (consumer_key)
JOIN logs l USING (log_key);

-- The newest backfilled reading of each sensor that has any, and from when to when they are. sensor_latest has live ones alone.
CREATE TABLE backfilled_sensors (
    sensor_id varchar(255) PRIMARY KEY,
    sensor_key integer NOT NULL REFERENCES sensor_descriptions,
    warning_threshold double precision,      -- of the newest reading or its type, in the sensor's unit
    critical_threshold double precision,
    first_timestamp timestamptz NOT NULL,    -- the readings' own times
    last_timestamp timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    log_key smallint NOT NULL,               -- where the newest is
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX backfilled_sensors_sensor_key ON backfilled_sensors (sensor_key); -- whether a description is still needed

-- An alert of backfilled readings ends as it is raised: nobody has to do anything about it.
ALTER TABLE alerts
    ADD COLUMN backfill boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT alerts_resolved_because_check,
    ADD CONSTRAINT alerts_resolved_because_check CHECK (resolved_because IN ('no_data', 'memory_lost', 'log_ended', 'other_partition', 'backfill')),
    ADD CONSTRAINT alerts_backfill_ended CHECK (NOT backfill OR resolved_at IS NOT NULL);

ALTER TABLE replays
    ADD COLUMN is_backfill boolean NOT NULL DEFAULT false,
    ADD COLUMN stored bigint,                        -- readings of a backfill that consumers have stored
    ADD COLUMN readings bigint,                      -- all of the file
    ADD COLUMN rows_per_second double precision,     -- of a backfill, over the last 10 s
    ADD COLUMN seconds_left double precision;        -- null where it is not known
