ALTER TABLE partition_offsets
    ADD leader_epoch integer, -- of the message before next_offset; null where the brokers name none
    ADD cut_epoch bigint;     -- the claim that last found the log cut short: its offsets from there on have been used a second time
