-- Runs of experiments: faults on purpose, and the verdict on what they did.
CREATE TABLE experiment_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(64) NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    verdict varchar(16) NOT NULL CHECK (verdict IN ('RUNNING', 'PASS', 'FAIL', 'ABORTED')),
    group_protocol varchar(16),
    kafka_backing varchar(16),
    victim text,
    recovery_ms integer,
    delayed bigint,
    lost bigint,
    doubled bigint,
    report jsonb                             -- the whole run; null while it runs
);
CREATE INDEX experiment_runs_name ON experiment_runs (name, id DESC); -- the runs of one experiment, newest first
