-- What a sensor does: how often it sends, how far its clock is off, and which of several partitions judges it.
ALTER TABLE sensor_latest
    ADD COLUMN interval_ms bigint,         -- between two readings, a running mean; null while it is not known
    ADD COLUMN clock_offset_ms bigint,     -- the newest reading's own time less that of its record, or less its arrival where it is ahead of that
    ADD COLUMN rule_warning double precision, -- of its type, in the sensor's unit
    ADD COLUMN rule_critical double precision,
    ADD COLUMN rule_unit varchar(255),     -- of its type's limits, where they cannot be converted and do not hold
    ADD COLUMN home_log_key smallint,      -- the partition whose readings are judged; null before the first write of this version
    ADD COLUMN home_partition integer,
    ADD COLUMN home_seen_at timestamptz,   -- its newest reading there
    ADD COLUMN other_seen_at timestamptz;  -- its newest reading in another partition; null where there never was one

CREATE INDEX sensor_latest_other_seen_at ON sensor_latest (other_seen_at) WHERE other_seen_at IS NOT NULL;

CREATE OR REPLACE VIEW sensors AS
SELECT l.sensor_id, d.sensor_type, d.unit, d.factory_section, d.machine_id, d.zone,
       l.value AS last_value,
       (ARRAY['normal', 'warning', 'critical'])[l.alert_level + 1] AS alert_level,
       l.warning_threshold, l.critical_threshold, l.reading_count,
       l."timestamp" AS last_timestamp, l.processing_timestamp AS last_processed,
       l.kafka_partition, l.kafka_offset,
       l.interval_ms, l.clock_offset_ms, l.home_partition, l.other_seen_at,
       l.rule_warning, l.rule_critical, l.rule_unit
FROM sensor_latest l
JOIN sensor_descriptions d USING (sensor_key);

ALTER TABLE alerts
    DROP CONSTRAINT alerts_resolved_because_check,
    ADD CONSTRAINT alerts_resolved_because_check CHECK (resolved_because IN ('no_data', 'memory_lost', 'log_ended', 'other_partition'));
