-- Stored readings that bear no reading_count, such as load of the fault lab: no acknowledgement can ever be held against them.
ALTER TABLE partition_offsets ADD COLUMN uncounted bigint NOT NULL DEFAULT 0;
