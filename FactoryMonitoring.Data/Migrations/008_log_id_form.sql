-- A consumer of before 005 would name the log by the cluster's id and the topic's, not find it, and store the whole topic a second time.
ALTER TABLE logs ADD CONSTRAINT logs_log_id_is_no_pair CHECK (log_id !~ '^[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{22}$');
