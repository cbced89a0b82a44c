-- A log is known by its topic's id alone. Before, the cluster's stood in front of it.
UPDATE logs SET log_id = split_part(log_id, ':', 2) WHERE log_id ~ '^[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{22}$';
