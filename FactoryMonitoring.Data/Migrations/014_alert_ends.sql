-- Why an alert ended other than by its condition: null where the condition cleared, or the alert is open.
ALTER TABLE alerts ADD COLUMN resolved_because varchar(16) CHECK (resolved_because IN ('no_data', 'memory_lost', 'log_ended'));
