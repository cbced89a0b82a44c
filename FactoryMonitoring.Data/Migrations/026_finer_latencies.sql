-- Latencies are counted in finer buckets. What was counted in the former ones does not belong to any of these.
ALTER TABLE consumer_samples DROP COLUMN latency_counts;
ALTER TABLE consumer_samples ADD COLUMN latency_histogram integer[] NOT NULL DEFAULT '{}';
