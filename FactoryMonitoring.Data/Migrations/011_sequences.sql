-- Counts begin again: of a sensor that restarts at 1, and of ours after the database was made anew or restored. What a reading_count counts in
-- has an id.
ALTER TABLE sensor_descriptions ADD COLUMN sequence_id varchar(64);
ALTER TABLE acknowledgements ADD COLUMN sequence_id varchar(64);
ALTER TABLE rejected_messages ADD COLUMN sequence_id varchar(64);
DROP INDEX sensor_descriptions_digest;
CREATE UNIQUE INDEX sensor_descriptions_digest
    ON sensor_descriptions (sensor_id, sensor_digest(sensor_type, unit, factory_section, machine_id, zone), sequence_id) NULLS NOT DISTINCT;

CREATE OR REPLACE VIEW sensor_readings AS
SELECT d.sensor_id, d.sensor_type, r."timestamp", r.value, d.unit,
       (ARRAY['normal', 'warning', 'critical'])[r.alert_level + 1] AS alert_level,
       r.quality, d.factory_section, d.machine_id, d.zone, r.reading_count,
       c.consumer_id AS processed_by_consumer,
       r.kafka_partition, r.kafka_offset, r.processing_timestamp, l.log_id, d.sequence_id
FROM readings r
JOIN sensor_descriptions d USING (sensor_key)
JOIN consumers c USING (consumer_key)
JOIN logs l USING (log_key);
