-- A message may hold several readings, which all have its offset: messages are counted beside readings, because offsets count messages.
ALTER TABLE reading_batches ADD messages integer CHECK (messages BETWEEN 1 AND stored);  -- distinct offsets; null in older rows, where each reading is a message
ALTER TABLE partition_offsets ADD messages bigint NOT NULL DEFAULT 0;  -- whose readings are stored; these and the rejected are next_offset - first_offset - skipped
UPDATE partition_offsets SET messages = stored;
