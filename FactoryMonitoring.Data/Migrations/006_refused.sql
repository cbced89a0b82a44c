-- What is indexed of a sensor's description has a bound in bytes: four fields of 255 characters, three bytes each, are more than a
-- page of an index holds.
CREATE FUNCTION sensor_digest(sensor_type text, unit text, factory_section text, machine_id text, zone text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(concat_ws('|',
        COALESCE(length(sensor_type) || ':' || sensor_type, '-'), COALESCE(length(unit) || ':' || unit, '-'),
        COALESCE(length(factory_section) || ':' || factory_section, '-'), COALESCE(length(machine_id) || ':' || machine_id, '-'),
        COALESCE(length(zone) || ':' || zone, '-')), 'UTF8'))
$$;

DO $$
DECLARE
    replaced text;
BEGIN
    FOR replaced IN SELECT conname FROM pg_constraint WHERE conrelid = 'sensor_descriptions'::regclass AND contype = 'u' LOOP
        EXECUTE format('ALTER TABLE sensor_descriptions DROP CONSTRAINT %I', replaced);
    END LOOP;
END $$;
CREATE UNIQUE INDEX sensor_descriptions_digest ON sensor_descriptions (sensor_id, sensor_digest(sensor_type, unit, factory_section, machine_id, zone));

-- The dead letter of a message that only the database refused: its value is the message's own, taken from the log when it is sent.
ALTER TABLE outbox ADD COLUMN value_at_source boolean NOT NULL DEFAULT false;
