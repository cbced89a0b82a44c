-- What a log has lost is moved aside in parts. Until cut_at is null again, stored messages from there up to next_offset are still to be moved.
ALTER TABLE partition_offsets ADD cut_at bigint;
