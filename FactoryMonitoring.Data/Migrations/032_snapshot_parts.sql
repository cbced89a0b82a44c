-- A large memory is stored in parts, each in a transaction of its own. The rows of detector_changes from first_change to last_change are in force; where state
-- is empty, the first of them are the whole memory. Rows after last_change are of a snapshot that is not complete, and rows before first_change of an earlier one.
ALTER TABLE detector_snapshots ADD first_change bigint NOT NULL DEFAULT 0, ADD last_change bigint NOT NULL DEFAULT 0;
UPDATE detector_snapshots s SET last_change = c.last
FROM (SELECT log_key, topic, kafka_partition, max(id) AS last FROM detector_changes GROUP BY 1, 2, 3) c
WHERE (s.log_key, s.topic, s.kafka_partition) = (c.log_key, c.topic, c.kafka_partition);
ALTER TABLE detector_changes ADD is_continued boolean NOT NULL DEFAULT false;  -- the next row is the next part of the same bytes
