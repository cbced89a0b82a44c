-- The reading of a second that took longest from the sensor to its row, and the trace of the batch that stored it.
ALTER TABLE consumer_samples ADD COLUMN slowest_ms bigint;
ALTER TABLE consumer_samples ADD COLUMN slowest_trace_id varchar(32); -- null where the batch was not traced
