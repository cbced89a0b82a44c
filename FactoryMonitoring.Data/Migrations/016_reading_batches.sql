-- That no offset is stored twice is proven by a row for each batch of a partition, in place of an entry in a unique index for each reading:
-- the transaction that stores readings moves the partition from first_offset to next_offset, and no two such spans overlap. What a span
-- promises is counted against the readings afterwards (reading_audit). The readings of an offset are found by the time of its batch, which
-- all of its readings have, and a BRIN index of that time.

-- The offsets from first_offset up to next_offset of one partition of one log, as a range that overlaps no range of any other partition.
CREATE FUNCTION offset_span(log_key smallint, kafka_partition integer, first_offset bigint, next_offset bigint) RETURNS numrange
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT numrange(
        (log_key * 4294967296::numeric + kafka_partition) * 9223372036854775808::numeric + first_offset,
        (log_key * 4294967296::numeric + kafka_partition) * 9223372036854775808::numeric + next_offset)
$$;

CREATE TABLE reading_batches (
    processing_timestamp timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,  -- of every reading of the batch
    first_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    stored integer NOT NULL CHECK (stored > 0),
    kafka_partition integer NOT NULL,
    consumer_key integer NOT NULL,
    log_key smallint NOT NULL,
    span numrange NOT NULL GENERATED ALWAYS AS (offset_span(log_key, kafka_partition, first_offset, next_offset)) STORED
) PARTITION BY RANGE (processing_timestamp);

-- The leaves of one day of UTC, where they do not exist.
CREATE FUNCTION ensure_reading_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    readings_leaf text := 'readings_' || to_char(day, 'YYYYMMDD');
    batches_leaf text := 'reading_batches_' || to_char(day, 'YYYYMMDD');
    bounds text := format('FOR VALUES FROM (%L) TO (%L)', day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('factory_monitoring.partitions'));
    IF to_regclass(readings_leaf) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE readings INCLUDING DEFAULTS)', readings_leaf);
        EXECUTE format('CREATE INDEX %I ON %I USING brin (processing_timestamp) WITH (autosummarize = on)', readings_leaf || '_time', readings_leaf);
        EXECUTE format('ALTER TABLE readings ATTACH PARTITION %I %s', readings_leaf, bounds);
    END IF;
    IF to_regclass(batches_leaf) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE reading_batches INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)', batches_leaf);
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I EXCLUDE USING gist (span WITH &&)', batches_leaf, batches_leaf || '_span');
        EXECUTE format('CREATE INDEX %I ON %I (processing_timestamp)', batches_leaf || '_time', batches_leaf);
        EXECUTE format('ALTER TABLE reading_batches ATTACH PARTITION %I %s', batches_leaf, bounds);
    END IF;
END $$;

-- When the readings of these offsets were stored: the first and the last time; null where there are none.
CREATE FUNCTION reading_times(of_log smallint, of_partition integer, from_offset bigint, to_offset bigint, OUT first_time timestamptz, OUT last_time timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT min(processing_timestamp), max(processing_timestamp) FROM reading_batches
    WHERE span && offset_span(of_log, of_partition, GREATEST(from_offset, 0), GREATEST(to_offset, 0) + 1)
$$;

-- How far the spans have been counted against the readings.
CREATE TABLE reading_audit (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    audited_until timestamptz NOT NULL,
    batches bigint NOT NULL DEFAULT 0,
    readings bigint NOT NULL DEFAULT 0,
    wrong bigint NOT NULL DEFAULT 0,          -- batches that hold more or fewer readings than their span promises, or the same offset twice
    audited_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- The days that there are: their batches are those of the readings that they hold.
DO $do$
DECLARE
    leaf text;
    day date;
BEGIN
    FOR leaf IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'readings'::regclass AND NOT i.inhdetachpending AND c.relname ~ '^readings_[0-9]{8}$' ORDER BY 1
    LOOP
        day := to_date(right(leaf, 8), 'YYYYMMDD');
        PERFORM ensure_reading_day(day);
        EXECUTE format(
            'INSERT INTO reading_batches (processing_timestamp, first_offset, next_offset, stored, kafka_partition, consumer_key, log_key)
             SELECT processing_timestamp, min(kafka_offset), max(kafka_offset) + 1, count(*), kafka_partition, min(consumer_key), log_key
             FROM %I GROUP BY processing_timestamp, kafka_partition, log_key', leaf);
        EXECUTE format('DROP INDEX IF EXISTS %I', leaf || '_offset');
        EXECUTE format('CREATE INDEX %I ON %I USING brin (processing_timestamp) WITH (autosummarize = on)', leaf || '_time', leaf);
    END LOOP;
END $do$;

-- Their unique indexes have proven what was stored until now.
INSERT INTO reading_audit (audited_until) VALUES (CURRENT_TIMESTAMP);

ALTER TABLE ledger_violations DROP CONSTRAINT ledger_violations_kind_check;
ALTER TABLE ledger_violations ADD CONSTRAINT ledger_violations_kind_check CHECK (kind IN ('missing', 'duplicated', 'skipped', 'miscounted'));
