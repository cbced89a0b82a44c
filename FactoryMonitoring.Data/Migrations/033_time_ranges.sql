-- What a rebalance costs in readings: those that were in the log, from claimed_from up to log_end, when the new owner claimed the partition.
ALTER TABLE partition_ownership
    ADD claimed_from bigint,   -- the partition's next_offset at the claim
    ADD log_end bigint;        -- one past the last offset of the log at the claim; null if no broker told, or the log was cut

-- Readings of these offsets that were stored from since up to until; null if these offsets took more than 10,000 transactions. The spans are found by their
-- index alone: without the values, the planner takes the index of the time, or a hundredth of all spans to overlap. Of the span that crosses the end, rows
-- are counted only if not every offset is one reading.
CREATE FUNCTION delayed_readings(of_log smallint, of_partition integer, from_offset bigint, to_offset bigint, since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE sql STABLE SET enable_seqscan = off SET jit = off AS $$
    SELECT CASE WHEN count(*) <= 10000 THEN COALESCE(sum(CASE
        WHEN b.next_offset <= to_offset THEN b.stored
        WHEN b.stored = b.next_offset - b.first_offset AND COALESCE(b.messages, b.stored) = b.stored THEN to_offset - b.first_offset
        ELSE (
            SELECT count(*) FROM readings r
            WHERE r.processing_timestamp = b.processing_timestamp AND r.log_key = of_log AND r.kafka_partition = of_partition AND r.kafka_offset < to_offset)
    END) FILTER (WHERE b.processing_timestamp >= since AND b.processing_timestamp < until), 0)::bigint END
    FROM (
        SELECT first_offset, next_offset, stored, messages, processing_timestamp FROM reading_batches
        WHERE span && offset_span(of_log, of_partition, from_offset, GREATEST(from_offset, to_offset))
        LIMIT 10001
    ) b
$$;

-- Samples by the minute, for curves of hours and days: one row in place of the samples of each second and component.
CREATE TABLE pipeline_minutes (
    at timestamptz PRIMARY KEY,              -- the whole minute
    acknowledged bigint NOT NULL,
    stored bigint NOT NULL,
    latency_histogram integer[] NOT NULL,    -- as in consumer_samples
    lag bigint,                              -- the highest
    lag_seconds double precision
);

CREATE TABLE consumer_minutes (
    at timestamptz NOT NULL,
    consumer_id varchar(255) NOT NULL,
    stored bigint NOT NULL,
    PRIMARY KEY (at, consumer_id)
);
