-- Every table has an end: what tells how old a row is, where nothing did.
ALTER TABLE sensor_descriptions ADD COLUMN last_used date NOT NULL DEFAULT CURRENT_DATE;  -- by a consumer that stores its readings
ALTER TABLE consumers ADD COLUMN first_seen timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP;
ALTER TABLE sensor_sequences ADD COLUMN reserved_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP;
CREATE INDEX sensor_latest_sensor_key ON sensor_latest (sensor_key); -- whether a description is still needed
ALTER TABLE ledger ADD COLUMN unreachable bigint NOT NULL DEFAULT 0; -- acknowledged in a log that ended before they were read, and past the retention

-- What the brokers have acknowledged so far, so that the account needs no sum over what is not settled yet, however much that is.
CREATE TABLE acknowledged_totals (
    producer_id varchar(255) NOT NULL,
    log_key smallint NOT NULL REFERENCES logs,
    kafka_partition integer NOT NULL,
    acknowledged bigint NOT NULL,
    acknowledged_at timestamptz NOT NULL,    -- the newest of them
    PRIMARY KEY (producer_id, log_key, kafka_partition)
) WITH (fillfactor = 50);

INSERT INTO acknowledged_totals (producer_id, log_key, kafka_partition, acknowledged, acknowledged_at)
SELECT producer_id, log_key, kafka_partition, sum(acknowledged), max(acknowledged_at)
FROM (
    SELECT producer_id, log_key, kafka_partition, last_count - first_count + 1 AS acknowledged, acknowledged_at FROM acknowledgements
    UNION ALL
    SELECT producer_id, log_key, kafka_partition, acknowledged, '-infinity' FROM ledger
) every
GROUP BY 1, 2, 3;

CREATE FUNCTION add_acknowledged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO acknowledged_totals AS t (producer_id, log_key, kafka_partition, acknowledged, acknowledged_at)
    SELECT producer_id, log_key, kafka_partition, sum(last_count - first_count + 1), max(acknowledged_at)
    FROM added GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (producer_id, log_key, kafka_partition) DO UPDATE SET
        acknowledged = t.acknowledged + excluded.acknowledged, acknowledged_at = greatest(t.acknowledged_at, excluded.acknowledged_at);
    RETURN NULL;
END $$;
CREATE TRIGGER add_acknowledged AFTER INSERT ON acknowledgements REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION add_acknowledged();

-- Acknowledged, passed by a consumer, and not settled yet. By the index alone: the planner takes a third of all to be passed, where it is a few.
CREATE FUNCTION passed_acknowledgements(of_topic text) RETURNS TABLE (producer_id varchar, log_key smallint, kafka_partition integer, passed bigint)
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT a.producer_id, a.log_key, a.kafka_partition, sum(a.last_count - a.first_count + 1)::bigint
    FROM partition_offsets o JOIN acknowledgements a USING (log_key, kafka_partition)
    WHERE o.topic = of_topic AND a.max_offset < o.next_offset
    GROUP BY 1, 2, 3
$$;
