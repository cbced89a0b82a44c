-- What was acknowledged, and passed by a consumer, is compared within seconds. What is not after a minute is overdue: so each partition keeps where it
-- stood a minute ago or more. An owner has a minute for what its predecessor has left.
ALTER TABLE partition_offsets
    ADD marked_offset bigint,     -- next_offset at marked_at
    ADD marked_at timestamptz,    -- moved on after a minute
    ADD overdue_offset bigint;    -- marked_offset before that

DROP FUNCTION passed_acknowledgements(text);

-- Acknowledged, passed by a consumer, and not settled yet. By the index alone: the planner takes a third of all to be passed, where it is a few.
CREATE FUNCTION passed_acknowledgements(of_topic text)
RETURNS TABLE (producer_id varchar, log_key smallint, kafka_partition integer, passed bigint, overdue bigint, oldest timestamptz)
LANGUAGE sql STABLE SET enable_seqscan = off SET jit = off AS $$
    SELECT a.producer_id, a.log_key, a.kafka_partition, sum(a.last_count - a.first_count + 1)::bigint,
        COALESCE(sum(a.last_count - a.first_count + 1) FILTER (WHERE a.max_offset < o.overdue_offset AND a.acknowledged_at < o.minute_ago), 0)::bigint,
        min(a.acknowledged_at)
    FROM (
        SELECT p.log_key, p.kafka_partition, p.next_offset, m.minute_ago,
            CASE WHEN p.owner IS NULL OR p.claimed_at >= m.minute_ago THEN NULL
                 WHEN p.last_commit_at < m.minute_ago THEN p.next_offset WHEN p.marked_at < m.minute_ago THEN p.marked_offset ELSE p.overdue_offset END AS overdue_offset
        FROM partition_offsets p, (SELECT statement_timestamp() - interval '1 min' AS minute_ago) m
        WHERE p.topic = of_topic
    ) o JOIN acknowledgements a USING (log_key, kafka_partition)
    WHERE a.max_offset < o.next_offset
    GROUP BY 1, 2, 3
$$;
