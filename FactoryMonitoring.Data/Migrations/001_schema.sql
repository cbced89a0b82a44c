-- Dictionaries: what would be written again with every reading is written once, and readings carry small integers.

CREATE TABLE logs (
    log_key smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log_id text NOT NULL UNIQUE,
    first_seen timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE consumers (
    consumer_key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_id varchar(255) NOT NULL UNIQUE
);

-- A sensor as its readings describe it; one that moves to another zone gets a second row and old readings keep the first.
CREATE TABLE sensor_descriptions (
    sensor_key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sensor_id varchar(255) NOT NULL,
    sensor_type varchar(100) NOT NULL,
    unit varchar(32) NOT NULL,
    factory_section varchar(255),
    machine_id varchar(255),
    zone varchar(255),
    first_seen timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE NULLS NOT DISTINCT (sensor_id, sensor_type, unit, factory_section, machine_id, zone)
);

-- The newest reading of each sensor, written with the detector's snapshot, not with every batch.
CREATE TABLE sensor_latest (
    sensor_id varchar(255) PRIMARY KEY,
    sensor_key integer NOT NULL REFERENCES sensor_descriptions,
    value double precision NOT NULL,
    alert_level smallint NOT NULL,
    warning_threshold double precision,
    critical_threshold double precision,
    reading_count bigint,
    "timestamp" timestamptz NOT NULL,
    processing_timestamp timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    log_key smallint NOT NULL,
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL
) WITH (fillfactor = 50);

CREATE VIEW sensors AS
SELECT l.sensor_id, d.sensor_type, d.unit, d.factory_section, d.machine_id, d.zone,
       l.value AS last_value,
       (ARRAY['normal', 'warning', 'critical'])[l.alert_level + 1] AS alert_level,
       l.warning_threshold, l.critical_threshold, l.reading_count,
       l."timestamp" AS last_timestamp, l.processing_timestamp AS last_processed,
       l.kafka_partition, l.kafka_offset
FROM sensor_latest l
JOIN sensor_descriptions d USING (sensor_key);

-- Readings. Columns stand by falling alignment: 8, 4, 2 bytes.
CREATE TABLE readings (
    processing_timestamp timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "timestamp" timestamptz NOT NULL,
    kafka_offset bigint NOT NULL,
    reading_count bigint,
    value double precision NOT NULL,
    sensor_key integer NOT NULL,
    consumer_key integer NOT NULL,
    kafka_partition integer NOT NULL,
    quality real NOT NULL,
    log_key smallint NOT NULL,
    alert_level smallint NOT NULL
) PARTITION BY RANGE (processing_timestamp);
-- Each day's leaf has its own UNIQUE (log_key, kafka_partition, kafka_offset): the proof that no offset is stored twice, and the way to
-- a reading from an alert and to a sensor's last values without an index per sensor. No default partition: it would be scanned at
-- every ATTACH.

CREATE VIEW sensor_readings AS
SELECT d.sensor_id, d.sensor_type, r."timestamp", r.value, d.unit,
       (ARRAY['normal', 'warning', 'critical'])[r.alert_level + 1] AS alert_level,
       r.quality, d.factory_section, d.machine_id, d.zone, r.reading_count,
       c.consumer_id AS processed_by_consumer,
       r.kafka_partition, r.kafka_offset, r.processing_timestamp, l.log_id
FROM readings r
JOIN sensor_descriptions d USING (sensor_key)
JOIN consumers c USING (consumer_key)
JOIN logs l USING (log_key);

-- Offsets live here, moved in the transaction that stores the readings. epoch fences: whoever claimed last owns.
CREATE TABLE partition_offsets (
    log_key smallint NOT NULL REFERENCES logs,
    topic varchar(249) NOT NULL,
    kafka_partition integer NOT NULL,
    owner varchar(255),
    epoch bigint NOT NULL DEFAULT 0,
    next_offset bigint NOT NULL,
    first_offset bigint NOT NULL,            -- where this account of the partition begins
    claimed_at timestamptz,
    released_at timestamptz,                 -- null while owned
    recovered_at timestamptz,                -- this epoch's first commit, or when its owner stood at the end of the log
    last_commit_at timestamptz,
    stored_in_epoch bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    redelivered bigint NOT NULL DEFAULT 0,
    duplicated bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,       -- offsets the log had dropped before they were read
    PRIMARY KEY (log_key, topic, kafka_partition)
) WITH (fillfactor = 50);

-- One row per claim: who owned which partition, from when to when. The open row's counts are in partition_offsets.
CREATE TABLE partition_ownership (
    log_key smallint NOT NULL REFERENCES logs,
    topic varchar(249) NOT NULL,
    kafka_partition integer NOT NULL,
    epoch bigint NOT NULL,
    consumer_id varchar(255) NOT NULL,
    claimed_at timestamptz NOT NULL,
    recovered_at timestamptz,
    last_commit_at timestamptz,
    ended_at timestamptz,
    ended_by varchar(16) CHECK (ended_by IN ('revoked', 'lost')),
    stored bigint,
    PRIMARY KEY (log_key, topic, kafka_partition, epoch)
);
CREATE INDEX partition_ownership_claimed ON partition_ownership (claimed_at); -- swimlanes read a window of time

-- What each consumer stored of each partition since the beginning, moved with the readings.
CREATE TABLE ingest_totals (
    consumer_key integer NOT NULL REFERENCES consumers,
    log_key smallint NOT NULL REFERENCES logs,
    kafka_partition integer NOT NULL,
    stored bigint NOT NULL,
    PRIMARY KEY (consumer_key, log_key, kafka_partition)
) WITH (fillfactor = 50);

-- The same in buckets of 10 s, for rates over time.
CREATE TABLE ingest_buckets (
    bucket timestamptz NOT NULL,
    consumer_key integer NOT NULL,
    log_key smallint NOT NULL,
    kafka_partition integer NOT NULL,
    stored bigint NOT NULL,
    PRIMARY KEY (bucket, consumer_key, log_key, kafka_partition)
) WITH (fillfactor = 50);

-- The detector's memory of a partition's sensors, as it stood before snapshot_offset.
CREATE TABLE detector_snapshots (
    log_key smallint NOT NULL REFERENCES logs,
    topic varchar(249) NOT NULL,
    kafka_partition integer NOT NULL,
    snapshot_offset bigint NOT NULL,
    state bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (log_key, topic, kafka_partition)
);

-- Messages that are no readings. Together with readings, their offsets are contiguous.
CREATE TABLE rejected_messages (
    log_key smallint NOT NULL REFERENCES logs,
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    reason varchar(64) NOT NULL,             -- from a closed set
    detail text NOT NULL,
    consumer_id varchar(255) NOT NULL,
    sensor_id varchar(255),
    reading_count bigint,
    rejected_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (log_key, kafka_partition, kafka_offset)
);
CREATE INDEX rejected_messages_at ON rejected_messages (rejected_at); -- newest first, and retention
CREATE INDEX rejected_messages_sensor ON rejected_messages (sensor_id, rejected_at) WHERE sensor_id IS NOT NULL; -- the page of a sensor

CREATE TABLE alerts (
    alert_id uuid PRIMARY KEY,               -- derived from log_id, partition, offset and rule: a replay raises the same one
    sensor_id varchar(255) NOT NULL,
    sensor_type varchar(100) NOT NULL,
    anomaly_type varchar(64) NOT NULL,
    severity varchar(16) NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    sensor_value double precision,
    sensor_unit varchar(32),
    description text NOT NULL,
    detected_by varchar(255) NOT NULL,
    "timestamp" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, -- raised
    reading_timestamp timestamptz,
    factory_section varchar(255),
    machine_id varchar(255),
    zone varchar(255),
    sensor_alert_level varchar(16),
    occurrences bigint NOT NULL DEFAULT 1,   -- readings of the episode for which the rule held
    peak_value double precision,
    updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    resolved_at timestamptz,
    log_key smallint,
    kafka_partition integer,
    kafka_offset bigint,
    trace_id char(32),
    span_id char(16)
) WITH (fillfactor = 80);                    -- an episode's row is updated until it is resolved
CREATE INDEX alerts_timestamp ON alerts ("timestamp" DESC);           -- newest first, retention
CREATE INDEX alerts_sensor ON alerts (sensor_id, "timestamp" DESC);   -- the page of a sensor
CREATE INDEX alerts_open ON alerts (sensor_id) WHERE resolved_at IS NULL; -- how many are open, and which the monitor has to resolve

-- What must still be sent to Kafka for what is already committed here.
CREATE TABLE outbox (
    outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic varchar(249) NOT NULL,
    key bytea,
    value bytea,
    header_names text[] NOT NULL DEFAULT '{}',
    header_values bytea[] NOT NULL DEFAULT '{}',
    source_log_key smallint REFERENCES logs, -- the message it comes from: its headers are looked up when this is sent
    source_partition integer,
    source_offset bigint,
    alert_id uuid,                           -- the alert that it announces
    created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Health, written every second by its subject on a connection of its own.
CREATE TABLE consumer_health (
    consumer_id varchar(255) PRIMARY KEY,
    status varchar(50) NOT NULL,
    last_heartbeat timestamptz DEFAULT CURRENT_TIMESTAMP,
    assigned_partitions integer[] DEFAULT '{}',
    messages_processed_last_minute integer DEFAULT 0,
    total_messages_processed bigint DEFAULT 0,
    started_at timestamptz,
    instance_id uuid,                        -- new at each start
    process_id integer,
    host varchar(255),
    group_protocol varchar(16),
    condition text,                          -- what it is doing, in words: null when all is well, else for example "paused: database away"
    resident_bytes bigint
) WITH (fillfactor = 50);

CREATE TABLE producer_health (
    producer_id varchar(255) PRIMARY KEY,
    sensor_type varchar(100) NOT NULL,
    status varchar(50) NOT NULL,
    last_heartbeat timestamptz DEFAULT CURRENT_TIMESTAMP,
    messages_sent_last_minute integer DEFAULT 0,
    total_messages_sent bigint DEFAULT 0,    -- acknowledged
    connection varchar(16),                  -- connected, degraded, disconnected
    last_acknowledged timestamptz,
    started_at timestamptz,
    instance_id uuid,
    account_number bigint NOT NULL DEFAULT 0, -- of the instance's newest account: one whose COMMIT was not answered is written once all the same
    process_id integer,
    host varchar(255),
    sensor_count integer,
    failed_deliveries bigint NOT NULL DEFAULT 0,
    queued integer NOT NULL DEFAULT 0,
    condition text,                          -- as in consumer_health, for example "waiting for the database: no reading counts left"
    resident_bytes bigint
) WITH (fillfactor = 50);

-- One row a second and component, for curves: rates, and latencies as counts in LatencyHistogram's buckets.
CREATE TABLE consumer_samples (
    at timestamptz NOT NULL,                 -- the whole second
    consumer_id varchar(255) NOT NULL,
    stored integer NOT NULL,
    latency_counts integer[] NOT NULL,
    commit_ms real,                          -- mean duration of the second's batch transactions
    PRIMARY KEY (at, consumer_id)
);

CREATE TABLE producer_samples (
    at timestamptz NOT NULL,
    producer_id varchar(255) NOT NULL,
    acknowledged integer NOT NULL,
    longest_wait_ms integer,                 -- from produce to acknowledgement
    PRIMARY KEY (at, producer_id)
);

-- Lag as the monitoring API measured it.
CREATE TABLE lag_samples (
    at timestamptz PRIMARY KEY,
    lag bigint NOT NULL,
    lag_seconds double precision
);

-- The highest rate that was ever stored in one second: one row, so that nobody looks for it in the samples.
CREATE TABLE throughput_record (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    stored_per_second bigint NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE rebalancing_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_id varchar(255) NOT NULL,
    event_type varchar(50) NOT NULL,         -- assigned, revoked, lost
    partition_number integer,
    "timestamp" timestamptz DEFAULT CURRENT_TIMESTAMP,
    log_key smallint REFERENCES logs,
    generation bigint,                       -- our epoch of the partition
    reason varchar(64),                      -- joined, left, session expired, claimed; null where it was not observed
    written_by varchar(255),                 -- the successor, where the owner could not write its own `lost`
    stall_ms integer                         -- of an assignment: from the predecessor's end to this owner's recovery
);
CREATE INDEX rebalancing_events_timestamp ON rebalancing_events ("timestamp" DESC); -- newest first, retention

-- When a component's status changed; written by triggers, and by the monitor for brokers and the database.
CREATE TABLE status_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    component_kind varchar(16) NOT NULL CHECK (component_kind IN ('consumer', 'producer', 'broker', 'database')),
    component_id varchar(255) NOT NULL,
    status varchar(50) NOT NULL,
    reason text,
    at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX status_changes_component ON status_changes (component_kind, component_id, at DESC); -- history of one component
CREATE INDEX status_changes_at ON status_changes (at); -- marks in a window of time, retention

-- Ends of processes as the AppHost saw them: the true time of a kill.
CREATE TABLE component_exits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    component_id varchar(255) NOT NULL,
    at timestamptz NOT NULL,
    exit_code integer,
    cause varchar(16) NOT NULL CHECK (cause IN ('finished', 'died', 'stopped', 'killed')),
    asked_by varchar(255),                   -- null where nobody was seen to ask for it
    UNIQUE (component_id, at)                -- the same end told twice is one
);
CREATE INDEX component_exits_at ON component_exits (at); -- marks in a window of time, retention

-- The account of deliveries.
CREATE TABLE sensor_sequences (
    sensor_id varchar(255) PRIMARY KEY,
    next_count bigint NOT NULL               -- the first reading_count nobody has reserved yet
);

-- Ranges of reading_counts that the brokers acknowledged and no consumer has settled yet.
CREATE TABLE acknowledgements (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    producer_id varchar(255) NOT NULL,
    sensor_id varchar(255) NOT NULL,
    log_key smallint NOT NULL REFERENCES logs,
    kafka_partition integer NOT NULL,
    first_count bigint NOT NULL,
    last_count bigint NOT NULL,
    max_offset bigint NOT NULL,
    acknowledged_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX acknowledgements_partition ON acknowledgements (log_key, kafka_partition, max_offset); -- settling

-- Settled acknowledgements, by the owner of the partition, at the offset of its snapshot.
CREATE TABLE ledger (
    producer_id varchar(255) NOT NULL,
    log_key smallint NOT NULL REFERENCES logs,
    kafka_partition integer NOT NULL,
    acknowledged bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    missing bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (producer_id, log_key, kafka_partition)
);

CREATE TABLE ledger_violations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind varchar(16) NOT NULL CHECK (kind IN ('missing', 'duplicated', 'skipped')),
    sensor_id varchar(255),
    producer_id varchar(255),
    first_count bigint,
    last_count bigint,
    log_key smallint REFERENCES logs,
    kafka_partition integer,
    kafka_offset bigint,
    consumer_id varchar(255),
    noticed_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Changes are announced so that nobody has to ask.
CREATE FUNCTION announce_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('factory_changes', TG_ARGV[0]);
    RETURN NULL;
END $$;

CREATE TRIGGER announce AFTER INSERT OR UPDATE OF stall_ms ON rebalancing_events
    FOR EACH STATEMENT EXECUTE FUNCTION announce_change('rebalance');
CREATE TRIGGER announce AFTER INSERT ON alerts
    FOR EACH STATEMENT EXECUTE FUNCTION announce_change('alert');
CREATE TRIGGER announce AFTER INSERT ON status_changes
    FOR EACH STATEMENT EXECUTE FUNCTION announce_change('status');
CREATE TRIGGER announce AFTER INSERT ON component_exits
    FOR EACH STATEMENT EXECUTE FUNCTION announce_change('status');

CREATE FUNCTION record_status_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Who changes another's status (the monitor) gives its reason as factory.status_reason, for its transaction.
    INSERT INTO status_changes (component_kind, component_id, status, reason)
    VALUES (TG_ARGV[0], CASE TG_ARGV[0] WHEN 'consumer' THEN to_jsonb(NEW) ->> 'consumer_id' ELSE to_jsonb(NEW) ->> 'producer_id' END, NEW.status,
            NULLIF(current_setting('factory.status_reason', true), ''));
    RETURN NULL;
END $$;

CREATE TRIGGER first_status AFTER INSERT ON consumer_health
    FOR EACH ROW EXECUTE FUNCTION record_status_change('consumer');
CREATE TRIGGER status_changed AFTER UPDATE OF status ON consumer_health
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION record_status_change('consumer');
CREATE TRIGGER first_status AFTER INSERT ON producer_health
    FOR EACH ROW EXECUTE FUNCTION record_status_change('producer');
CREATE TRIGGER status_changed AFTER UPDATE OF status ON producer_health
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION record_status_change('producer');
